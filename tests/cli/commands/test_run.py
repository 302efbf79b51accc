"""Tests of the words around `mh run`; what it records is tested in tests/tracking."""

from __future__ import annotations

import os
import sys


def test_options_end_where_the_command_begins(mh, project):
    mh("run", "sh", "-c", "exit 0", "--name", "theirs")
    mh("run", "--name", "ours", "--", "sh", "-c", "exit 4", code=4)
    named = {run["name"]: run["command"] for run in mh("runs", "--json").json()}
    assert named == {"": "sh -c 'exit 0' --name theirs", "ours": "sh -c 'exit 4'"}


def test_the_end_of_a_run_is_told_unless_quiet(mh, project):
    said = mh("run", "--output", "train.py", "--", "true").err
    assert said.startswith("run ")
    assert said.rstrip().endswith(", 1 output")
    assert " finished after 0." in said
    assert "failed with exit code 1 after" in mh("run", "--", "false", code=1).err
    assert mh("run", "-q", "--", "true").err == ""


def test_what_cannot_be_understood_is_a_usage_error(mh, project):
    assert "--tag takes NAME=TEXT" in mh("run", "--tag", "x", "--", "true", code=2).err
    assert "the command is empty" in mh("run", "--", "", code=2).err
    mh("run", code=2)
    assert "no modelhub repository" in mh("-C", "/", "run", "--", "true", code=4).err


def test_the_next_commit_takes_the_run_in(mh, project):
    mh("run", "--param", "lr=0.5", "--output", "new.txt", "--", "sh", "-c", "echo 1 > new.txt")
    assert mh("runs", "--pending", "--json").json() != []
    mh("commit", "-m", "made by a run")
    assert mh("runs", "--pending", "--json").json() == []
    (run,) = mh("runs", "--json").json()
    assert run["commit"] is not None
    assert sys.executable
    assert "lr" in mh("show").out


def test_nothing_of_ours_is_drawn_on_a_terminal_while_the_command_runs(screen, mh, project):
    (project / "large.bin").write_bytes(bytes(50_000_000))
    text = screen("run", "-q", "--", "sh", "-c", "echo begin; sleep 1.2; echo end").out
    assert text.partition("begin\n")[2] == "end\n"


def test_a_command_has_the_surroundings_of_the_shell(mh, project, monkeypatch):
    """How many threads `mh` allows its own number library is not for the user's program."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    mh("run", "--output", "env.txt", "--", "sh", "-c", "printenv > env.txt")
    names = {line.partition("=")[0] for line in (project / "env.txt").read_text().splitlines()}
    assert "OPENBLAS_NUM_THREADS" in os.environ
    assert "OPENBLAS_NUM_THREADS" not in names
    assert "HOME" in names
