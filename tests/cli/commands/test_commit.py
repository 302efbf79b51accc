import math

import numpy as np
import pytest
from safetensors.numpy import save_file


def test_commit_records_everything_and_says_what(mh, project):
    (project / "notes.txt").write_text("x")
    (project / "train.py").unlink()
    done = mh("commit", "-m", "tidy")
    lines = done.out.splitlines()
    assert lines[0].startswith("[main ")
    assert lines[0].endswith("] tidy")
    assert lines[1:4] == ["  A  notes.txt", "  D  train.py", "  2 files: 1 added, 1 deleted"]


def test_facts_are_recorded(mh, project):
    said = "--param epochs=3 --param name=x=y --metric f1=0.5 --from v1:model.safetensors --relation distill"
    commit = mh("commit", "-m", "facts", *said.split(), "--json").json()["commit"]
    shown = mh("show", "--json").json()
    assert shown["entry"]["commit"] == commit
    assert shown["entry"]["params"] == {"epochs": 3, "name": "x=y"}
    assert shown["entry"]["metrics"] == {"f1": 0.5}
    assert shown["derivations"][0]["relation"] == "distill"
    assert shown["derivations"][0]["source_path"] == "model.safetensors"


def test_a_message_may_have_paragraphs_or_come_from_a_file(mh, project):
    mh("commit", "--allow-empty", "-m", "one", "-m", "two")
    assert mh("log", "-n", "1", "--json").json()[0]["message"] == "one\n\ntwo"
    (project / "message").write_text("from a file\n")
    mh("commit", "-F", "message")
    assert mh("log", "-n", "1", "--oneline").out.endswith(" from a file\n")


@pytest.mark.parametrize("words", [[], ["-m", "  "], ["-m", "a", "-F", "train.py"]])
def test_a_commit_needs_one_message(mh, project, words):
    (project / "new.txt").write_text("x")
    mh("commit", *words, code=2)


def test_nothing_to_commit_is_refused(mh, project):
    assert "nothing to commit" in mh("commit", "-m", "x", code=7).err


def test_only_the_paths_given_are_recorded(mh, project):
    (project / "a.txt").write_text("a")
    (project / "b.txt").write_text("b")
    mh("commit", "-m", "a", "a.txt")
    assert mh("status", "-s").out == "?? b.txt\n"


def test_faults_in_the_weights_are_warned_about_and_refused_when_strict(mh, project):
    bad = np.ones((32, 32), dtype=np.float32)
    bad[0, 0] = math.nan
    save_file({"layer.weight": bad}, project / "bad.safetensors")
    done = mh("commit", "-m", "bad", "--strict", code=7)
    assert "layer.weight" in done.err
    done = mh("commit", "-m", "bad")
    assert done.err.startswith("warning: ")
    assert "layer.weight" in done.err
    assert "layer.weight" in mh("show").out


def test_the_time_can_be_given(mh, project, monkeypatch):
    monkeypatch.setenv("MH_AUTHOR_DATE", "2026-01-31T12:00:00+01:00")
    mh("commit", "--allow-empty", "-m", "then")
    assert "Date:    2026-01-31 12:00:00 +0100\n" in mh("log", "-n", "1").out
    assert mh("log", "-n", "1", "--json").json()[0]["time"] == "2026-01-31T11:00:00.000Z"
    monkeypatch.setenv("MH_AUTHOR_DATE", "yesterday")
    assert "MH_AUTHOR_DATE" in mh("commit", "--allow-empty", "-m", "x", code=2).err


def test_quiet_says_nothing_of_a_commit(mh, project):
    for words in (["commit", "-qm", "a"], ["-q", "commit", "-m", "b"], ["commit", "-m", "c", "--quiet"]):
        (project / "train.py").write_text(words[-1])
        done = mh(*words)
        assert (done.out, done.err) == ("", "")
    (project / "train.py").write_text("d")
    assert "commit" in mh("commit", "-q", "--json", "-m", "d").json()


def test_quiet_keeps_warnings(mh, project):
    save_file({"head": np.full(4, np.nan, np.float32)}, project / "head.safetensors")
    assert "has NaN" in mh("commit", "-qm", "broken").err


def test_a_nameless_author_is_asked_to_be_named(mh, project, monkeypatch, tmp_path):
    for name in ("USER", "LOGNAME", "MH_AUTHOR_NAME", "GIT_AUTHOR_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    done = mh("commit", "--allow-empty", "-m", "x")
    assert "the author is unknown: mh config --user user.name NAME" in done.err
    mh("config", "user.name", "Grace")
    assert "unknown" not in mh("commit", "--allow-empty", "-m", "y").err
