"""Tests of what git knows of the folder, with a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.porcelain import git as room
from modelhub.porcelain.git import code_state
from modelhub.repository.objects import Commit


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=b", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def versioned(project: Project) -> Project:
    git(project.root, "init", "-q", "-b", "work")
    project.write("train.py", "one\n")
    project.write("blob.bin", bytes(range(256)))
    git(project.root, "add", "train.py", "blob.bin")
    git(project.root, "commit", "-qm", "first")
    return project


def test_outside_git_and_before_its_first_commit_there_is_no_state(project: Project) -> None:
    assert code_state(project.root) is None
    git(project.root, "init", "-q")
    assert code_state(project.root) is None


def test_a_clean_tree_has_no_diff(versioned: Project) -> None:
    state = code_state(versioned.root)
    assert state is not None
    assert (state.code.commit, state.code.branch) == (git(versioned.root, "rev-parse", "HEAD"), "work")
    assert (state.code.dirty, state.diff, state.problem) == (False, b"", None)


def test_the_diff_brings_the_commit_to_the_folder(versioned: Project, tmp_path: Path) -> None:
    versioned.write("train.py", "two\n")
    versioned.write("blob.bin", bytes(range(256)) * 2)
    versioned.write("staged.py", "new\n")
    git(versioned.root, "add", "staged.py")
    made = versioned.repo.get(versioned.commit("with changes").commit, Commit)
    assert made.code is not None
    assert made.code.dirty
    (tmp_path / "diff").write_bytes(versioned.repo.store.read(made.code.diff or ""))
    git(versioned.root, "clone", "-q", ".", str(tmp_path / "clone"))
    git(tmp_path / "clone", "apply", str(tmp_path / "diff"))
    for name in ("train.py", "blob.bin", "staged.py"):
        assert (tmp_path / "clone" / name).read_bytes() == versioned.read(name)
    assert b"msgspec==" in versioned.repo.store.read(made.packages or "")


def test_a_diff_that_is_too_large_is_left_out_with_a_note(versioned: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    versioned.write("train.py", "two\n" * 1000)
    monkeypatch.setattr(room, "MOST_DIFF_NBYTES", 1000)
    state = code_state(versioned.root)
    assert state is not None
    assert (state.code.dirty, state.diff) == (True, b"")
    assert "left out" in (state.problem or "")


def test_no_program_that_a_repository_names_is_started_for_the_diff(versioned: Project, tmp_path: Path) -> None:
    versioned.write(".gitattributes", "*.py diff=evil\n")
    versioned.write("train.py", "two\n")
    for key in ("diff.external", "diff.evil.command", "diff.evil.textconv", "core.fsmonitor", "core.pager"):
        git(versioned.root, "config", key, f"touch {tmp_path / 'started'}; cat")
    state = code_state(versioned.root)
    assert state is not None
    assert b"+two" in state.diff
    assert not (tmp_path / "started").exists()
