"""Tests of `mh import git-lfs` and `mh import dvc` as they are typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from contracts.git_project import GitProject


@pytest.fixture
def source(tmp_path: Path) -> GitProject:
    made = GitProject(tmp_path / "source")
    made.write("a.txt", "1\n")
    made.keep_by_lfs("b.bin", b"large")
    made.commit("first")
    made.git("tag", "v1")
    return made


def test_a_person_is_told_what_came(mh: Any, source: GitProject) -> None:
    mh("init")
    found = mh("import", "git-lfs", "../source", "--dry-run")
    assert found.out.splitlines()[0] == "1 commit would be imported"
    found = mh("import", "git-lfs", "../source")
    assert found.out.splitlines()[:3] == [
        "1 commit imported",
        "  1 branch (main), 1 tag (v1)",
        "  2 contents of files, 1 of them kept beside git",
    ]
    assert Path("b.bin").read_bytes() == b"large"
    assert mh("import", "git-lfs", "../source").out == "nothing new: 1 commit is here already\n"
    assert "undo" not in mh("status").out


def test_programs_get_every_count(mh: Any, source: GitProject) -> None:
    mh("init")
    told = mh("import", "git-lfs", str(source.root), "--json").json()
    assert (told["commits"], told["kept"], told["missing"], told["branches"]) == (1, 1, 0, ["main"])


def test_files_of_the_folder_stay_and_the_next_step_is_told(mh: Any, source: GitProject) -> None:
    mh("init")
    Path("a.txt").write_text("mine\n")
    found = mh("import", "git-lfs", "../source")
    assert "left as they are" in found.err
    assert Path("a.txt").read_text() == "mine\n"
    mh("restore", "--force", ".")
    assert Path("b.bin").read_bytes() == b"large"


def test_what_is_missing_is_a_warning_or_with_strict_an_error(mh: Any, source: GitProject) -> None:
    source.keep_by_lfs("lost.bin", b"lost", stored=False)
    source.commit()
    mh("init")
    found = mh("import", "git-lfs", "../source", "--strict", code=7)
    assert "git lfs fetch --all" in found.err
    assert "lost.bin" in mh("import", "git-lfs", "../source").err


def test_a_branch_that_went_another_way_is_a_conflict(mh: Any, source: GitProject) -> None:
    mh("init")
    Path("own.txt").write_text("own\n")
    mh("commit", "-m", "own")
    assert "--prefix" in mh("import", "git-lfs", "../source", code=3).err
    mh("import", "git-lfs", "../source", "--prefix", "git/")
    assert "git/main" in mh("branch").out


def test_dvc_caches_can_be_named(mh: Any, source: GitProject) -> None:
    pytest.importorskip("yaml")
    digest = "9a0364b9e99bb480dd25e1f0284c8555"
    source.write("c.bin.dvc", f"outs:\n- md5: {digest}\n  size: 7\n  hash: md5\n  path: c.bin\n")
    source.commit()
    mh("init")
    cache = Path("..", "cache", "files", "md5", digest[:2])
    os.makedirs(cache)
    (cache / digest[2:]).write_bytes(b"content")
    assert mh("import", "dvc", "../source", "--cache", "../cache", "--ref", "main").err.count("warning") == 0
    assert Path("c.bin").read_bytes() == b"content"
