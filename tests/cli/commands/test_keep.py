import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from modelhub.cli.output import text


@pytest.fixture
def checkpoints(mh, project):
    """Three more versions on main, none of them tagged."""
    for number, accuracy in enumerate((0.95, 0.90, 0.92)):
        weights = np.random.default_rng(number).standard_normal((8, 8)).astype(np.float32)
        save_file({"net.weight": weights}, project / "model.safetensors")
        mh("commit", "-m", f"epoch {number}", "--metric", f"accuracy={accuracy}")
    return project


def test_without_yes_it_only_shows(mh, checkpoints):
    done = mh("keep", "--best", "1", "--by", "accuracy")
    words = [line.split() for line in done.out.splitlines()]
    assert [line[0] for line in words[1:6]] == ["keep", "keep", "keep", "keep", "forget"]
    assert words[5][2] == "0.9"
    assert done.out.splitlines()[6].startswith("gc would free ")
    assert done.err == "nothing was changed; --yes marks them\n"
    assert mh("keep", "--best", "1", "--by", "accuracy").out == done.out


def test_yes_marks_and_gc_frees_and_the_log_tells(mh, checkpoints):
    planned = mh("keep", "--best", "1", "--by", "accuracy", "--json").json()
    assert not planned["marked"]
    done = mh("keep", "--best", "1", "--by", "accuracy", "--yes", "--json").json()
    assert done == {**planned, "marked": True}
    assert "(forgotten) epoch 1" in mh("log", "--oneline").out
    assert "1 version forgotten" in mh("op", "log", "-n", "1").out
    assert len(mh("gc", "--grace", "0", "--json").json()["removed"]) == planned["freed_objects"]
    asked = "select summary, forgotten_by is not null from commits where forgotten_at is not null"
    assert mh("query", asked, "--format", "csv").out.splitlines()[1] == "epoch 1,1"
    assert mh("fsck", "--full").code == 0


def test_what_is_gone_is_not_found_and_says_why(mh, checkpoints):
    gone = next(one["commit"] for one in mh("log", "--json").json() if one["message"].startswith("epoch 1"))
    mh("keep", "--best", "1", "--by", "accuracy", "--yes")
    mh("gc", "--grace", "0")
    commands = (
        ("checkout", gone),
        ("cat", f"{gone}:model.safetensors"),
        ("cat", f"{gone}:model.safetensors", "--tensor", "net.weight"),
        ("restore", "--source", gone, "model.safetensors"),
        ("tag", "old", gone),
        ("switch", "-c", "old", gone),
        ("reset", "--hard", gone),
    )
    for words in commands:
        done = mh(*words, code=4)
        assert f"error: version {gone[:10]} was forgotten on " in done.err, words
        assert "Traceback" not in done.err
    assert mh("cat", f"{gone}:train.py").out == "lr = 1e-4\n"
    assert mh("show", gone).code == 0
    assert mh("status").code == 0


def test_it_can_be_undone(mh, checkpoints):
    mh("keep", "--best", "1", "--by", "accuracy", "-y")
    mh("undo")
    assert "(forgotten)" not in mh("log", "--oneline").out
    assert mh("gc", "--dry-run", "--grace", "0").out == "0 objects would be deleted\n"


def test_what_makes_no_sense_is_refused(mh, checkpoints):
    mh("keep", code=2)
    mh("keep", "--best", "0", "--by", "accuracy", code=2)
    mh("keep", "--best", "1", "--by", "accuracy", "--min", "--max", code=2)
    mh("keep", "--best", "1", "--by", "accuracy", "--yes", "--dry-run", code=2)
    assert "did you mean 'accuracy'?" in mh("keep", "--best", "1", "--by", "acuracy", code=4).err
    mh("keep", "--best", "1", "--by", "accuracy", "nowhere..main", code=4)


def test_a_narrow_terminal_and_a_question(mh, checkpoints, screen):
    done = screen("keep", "--best", "1", "--by", "accuracy", "--dry-run", columns=40)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.out.splitlines()]
    assert all(text.cell_width(line) <= 40 for line in lines[:6])
    assert mh("log", "--oneline").out.count("(forgotten)") == 0


def test_nothing_to_forget_is_said(mh, checkpoints):
    assert "there is nothing to forget" in mh("keep", "--best", "9", "--by", "accuracy", "-y").out
