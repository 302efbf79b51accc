import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def history(folder, mh):
    """Three versions of a weight that moves on, the second tagged v2."""
    mh("init")
    random = np.random.default_rng(0)
    weight = random.standard_normal((120, 100)).astype(np.float32)
    for number in range(3):
        weight = weight + random.standard_normal(weight.shape).astype(np.float32) * np.float32(1e-3)
        save_file({"w": weight}, folder / "model.safetensors")
        mh("commit", "-m", f"step {number}")
        if number == 1:
            mh("tag", "v2")
    return weight


def test_a_version_is_marked_shown_and_unmarked(mh, history):
    short = mh("log", "--oneline", "v2").out.split()[0]
    planned = mh("repack", "--progressive", "v2", "--dry-run").out
    assert f"progressive: {short}\n" in planned
    assert "progressive" not in mh("show", "v2").out
    assert f"progressive: {short}\n" in mh("repack", "--progressive", "v2").out
    assert "progressive: repacked so" in mh("show", "v2").out
    assert mh("show", "v2", "--json").json()["progressive"] is True
    assert "progressive" not in mh("show").out
    assert "separate planes" in mh("du", "--why", "w", "v2:model.safetensors").out
    assert len(mh("repack", "-n", "--json").json()["progressive"]) == 1
    assert "progressive" not in mh("repack", "--no-progressive", "v2").out
    assert "progressive" not in mh("show", "v2").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["v2"], 2, "versions are named to mark them"),
        (["--progressive"], 2, "no version is named to mark"),
        (["--no-progressive"], 2, "no version is named to mark"),
        (["--progressive", "nowhere"], 4, "nowhere"),
        (["--progressive", "model.safetensors"], 4, "model.safetensors"),
        (["--max-recreation", "0.5"], 2, "no bound"),
    ],
)
def test_what_cannot_be_meant_is_refused(mh, history, words, code, said):
    done = mh("repack", *words, code=code)
    assert said in done.err
    assert "hint:" in done.err


def test_outside_a_repository_there_is_nothing_to_repack(mh, folder):
    assert "no modelhub repository" in mh("repack", "--progressive", "v1", code=4).err
