"""`mh verify` says for each parent what the weights say, and ends with 1 where it must."""

import numpy as np
import pytest
from contracts.trained import arrays, trained, tuned
from safetensors.numpy import save_file


@pytest.fixture
def models(mh, folder):
    mh("init")
    save_file(arrays(trained(0)), folder / "base.safetensors")
    save_file(arrays(trained(1)), folder / "stranger.safetensors")
    mh("commit", "-m", "base")
    save_file(arrays(tuned(0)), folder / "tuned.safetensors")
    mh("commit", "-m", "tuned", "--from", "HEAD:stranger.safetensors")
    return folder


def test_a_false_parent_is_told_and_the_nearer_one_named(mh, models):
    out = mh("verify", "HEAD:tuned.safetensors").out
    assert "contradicted  fine-tune" in out
    assert "unrelated" in out
    assert "warning: 'base.safetensors' of" in out


def test_strict_ends_with_1(mh, models):
    mh("verify", "--strict", code=1)
    mh("verify", "HEAD:base.safetensors", "--strict")
    mh("verify")


def test_a_true_parent_is_confirmed_tensor_by_tensor(mh, models):
    save_file(arrays(tuned(0, 2)), models / "again.safetensors")
    mh("commit", "-m", "again")
    out = mh("verify", ":again.safetensors", "--tensors").out
    assert "confirmed  fine-tune" in out
    assert "(weights)" in out
    assert [line.split()[1] for line in out.splitlines() if line.strip().startswith("3.weight")] == ["near"]


def test_programs_get_it_in_every_format(mh, models):
    found = mh("verify", "HEAD:tuned.safetensors", "--json").json()
    (file,) = found["files"]
    assert file["parents"][0]["verdict"] == "contradicted"
    assert file["nearest"]["path"] == "base.safetensors"
    header, row = mh("verify", "HEAD:tuned.safetensors", "--format", "csv").out.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert (cells["verdict"], cells["path"], cells["parent_path"]) == (
        "contradicted", "tuned.safetensors", "stranger.safetensors"
    )  # fmt: skip
    assert int(cells["unrelated"]) + int(cells["unclear"]) == 8
    assert mh("verify", "--format", "md").out.startswith("| path")


def test_what_is_not_there(mh, models):
    mh("verify", "HEAD:nope.pt", code=4)
    mh("verify", "nope", code=4)
    (models / "notes.txt").write_text("text")
    mh("commit", "-m", "notes")
    assert "holds no tensors" in mh("verify", "HEAD:notes.txt", code=2).err


def test_a_version_without_models(mh, folder):
    mh("init")
    np.savetxt(folder / "data.csv", np.arange(3))
    mh("commit", "-m", "data")
    assert "no model files" in mh("verify").err


def test_the_setting_switches_the_search_for_parents_off(mh, models):
    mh("config", "commit.find_parents", "false")
    save_file(arrays(tuned(0, 2)), models / "again.safetensors")
    mh("commit", "-m", "again")
    assert "no parent is known" in mh("verify", ":again.safetensors").out
    mh("config", "commit.find_parents", "maybe", code=2)


def test_a_commit_says_which_parents_it_found(mh, models):
    save_file(arrays(tuned(0, 2)), models / "again.safetensors", metadata={"base_model": "org/first"})
    out = mh("commit", "-m", "again").out
    assert "again.safetensors: fine-tune of org/first (named in the files)" in out
    assert "again.safetensors: fine-tune of tuned.safetensors (found from the weights)" in out
    assert "found" not in mh("commit", "-m", "empty", "--allow-empty").out
