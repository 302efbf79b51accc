"""Tests of ids of files and folders that are not stored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.errors import PathNotFound, StateError
from modelhub.oid import oid_of
from modelhub.repository.objects import Commit
from modelhub.repository.trees import find_entry
from modelhub.tracking.hashing import hash_place


def test_a_file_is_its_hash_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        usage = hash_place(tmp_path / name, name)
        assert (usage.path, usage.oid, usage.size, usage.mode, usage.kept) == (
            name,
            oid_of(b"content"),
            7,
            "file",
            False,
        )


def test_a_folder_of_small_files_has_the_id_that_a_version_gives_it(project: Project) -> None:
    project.write("data/a.csv", "1")
    project.write("data/deep/run.sh", "2", executable=True)
    (project.root / "data" / "link").symlink_to("a.csv")
    tree = project.repo.get(project.commit().commit, Commit).tree
    usage = hash_place(project.root / "data", "data")
    assert (usage.oid, usage.mode) == (find_entry(project.repo, tree, "data").oid, "tree")
    project.write("data/.git/config", "not content")
    assert hash_place(project.root / "data", "data").oid == usage.oid


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="no 'x'"):
        hash_place(tmp_path / "x", "x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StateError, match="neither"):
        hash_place(tmp_path / "pipe", "pipe")
