from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from contracts.answers import all_answers, forget_catalog
from contracts.project import Project, safetensors, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.catalog import rows
from modelhub.catalog.database import create_catalog
from modelhub.catalog.facts import Facts
from modelhub.catalog.manifest_rows import ManifestIngest
from modelhub.catalog.opening import open_current
from modelhub.catalog.storage_rows import StorageIngest
from modelhub.catalog.tree_rows import TreeIngest
from modelhub.repository.known_trees import KnownTrees
from modelhub.repository.objects import Entry, Tree
from modelhub.repository.repository import Repository, put
from modelhub.repository.trees import find_entry, read_files, write_tree

PATHS = st.sampled_from(["a", "b", "a/x", "a/y/z", "a-b/x", "a-b/y", "a0/y", "c/d/e", "c/d/f", "c/d/e/g"])
ENTRIES = st.builds(Entry, st.sampled_from(["file", "exec"]), st.sampled_from(["1" * 64, "2" * 64]), st.just(3))
VERSIONS = st.lists(st.dictionaries(PATHS, ENTRIES), min_size=1, max_size=5)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@contextlib.contextmanager
def empty_catalog() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(create_catalog(None)) as connection:
        yield connection


def tree_ingest(repo: Repository, connection: sqlite3.Connection) -> TreeIngest:
    storage = StorageIngest(repo, connection)
    manifests = ManifestIngest(repo, connection, Facts(repo), storage)
    return TreeIngest(connection, KnownTrees(repo), manifests, storage)


def add(ingest: TreeIngest, connection: sqlite3.Connection, number: int, tree: str, parent: int | None) -> None:
    author = ("Ada", "ada@example.org", 0, 0, "m", None, None, None, "{}")
    rows.add_commits(connection, [(number, rows.oid_no(connection, tree), 1, *author)])
    ingest.add(number, tree, parent)


def one_of_each(files: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out what lies in a folder of a file's name."""
    return {path: entry for path, entry in files.items() if not any(other.startswith(f"{path}/") for other in files)}


def folders_of(files: dict[str, Entry]) -> set[str]:
    found = {""}
    for path in files:
        parts = path.split("/")[:-1]
        found |= {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return found


@settings(max_examples=60)
@given(VERSIONS)
def test_a_version_after_another_has_its_own_folders_and_files(versions: list[dict[str, Entry]]) -> None:
    with tempfile.TemporaryDirectory() as folder, empty_catalog() as connection:
        repo = Project(Path(folder) / "project").repo
        ingest = tree_ingest(repo, connection)
        for number, files in enumerate(map(one_of_each, versions), 1_000_000):
            with repo.store.writer() as writer:
                tree = write_tree(writer, files)
                writer.publish()
            add(ingest, connection, number, tree, number - 1)
            query = "select path, tree_no from mh_directories where commit_no = ?"
            folders = dict(connection.execute(query, (number,)))
            assert folders.keys() == folders_of(files)
            found = connection.execute(
                "select d.path, e.name, e.mode, o.oid from mh_directories d join mh_entries e on e.tree_no = d.tree_no"
                " join mh_oids o on o.no = e.file_no where d.commit_no = ?",
                (number,),
            )
            listed = {f"{place}/{name}".lstrip("/"): (mode, oid) for place, name, mode, oid in found}
            assert listed == {path: (entry.mode, entry.oid) for path, entry in files.items()}


def test_what_a_version_shares_with_its_parent_is_not_read_again(project: Project) -> None:
    project.write("kept/deep/a", "1")
    first = project.save("changed/b", "1")
    tree = project.repo.commit_tree(first)
    project.repo.store.delete({find_entry(project.repo, str(tree), "kept/deep").oid})
    with project.repo.store.writer() as writer:
        entries = dict(project.repo.get(str(tree), Tree).entries)
        other = put(writer, Tree({"b": Entry("file", "1" * 64, 1)}))
        entries["changed"] = Entry("tree", other, 0)
        after = put(writer, Tree(entries))
        writer.publish()
    with open_current(project.repo) as connection, contextlib.closing(sqlite3.connect(":memory:")) as memory:
        connection.backup(memory)
        number = rows.oid_no(memory, "f" * 64)
        add(tree_ingest(project.repo, memory), memory, number, after, rows.oid_no(memory, first))
        found = set(memory.execute("select path from files where commit_id = ?", ("f" * 64,)))
    assert found == {("kept/deep/a",), ("changed/b",)}


def test_a_folder_that_is_gone_is_left_out_and_its_files_come_back_with_the_next_version(project: Project) -> None:
    with project.repo.store.writer() as writer, empty_catalog() as connection:
        below = put(writer, Tree({"f": Entry("file", "1" * 64, 1)}))
        lacking = put(writer, Tree({"d": Entry("tree", "3" * 64, 0), "e": Entry("tree", below, 0)}))
        whole = put(writer, Tree({"d": Entry("tree", below, 0), "e": Entry("tree", below, 0)}))
        writer.publish()
        ingest = tree_ingest(project.repo, connection)
        add(ingest, connection, 1_000_001, lacking, None)
        add(ingest, connection, 1_000_002, whole, 1_000_001)
        add(ingest, connection, 1_000_003, lacking, 1_000_002)
        query = "select d.path from mh_directories d join mh_entries e on e.tree_no = d.tree_no where d.commit_no = ?"
        found = [sorted(connection.execute(query, (1_000_000 + no,))) for no in (1, 2, 3)]
    assert found == [[("e",)], [("d",), ("e",)], [("e",)]]


def test_versions_taken_in_one_by_one_and_all_at_once_answer_the_same(project: Project) -> None:
    index = {"weight_map": {"w": "one.safetensors", "v": "two.safetensors"}}
    project.write("model/x.safetensors.index.json", json.dumps(index))
    project.write("model/one.safetensors", safetensors({"w": weights(1, 20, 20)}))
    project.save("docs/deep/notes.txt", "1", "a shard is missing")
    project.save("docs/deep/notes.txt", "2", "it is still missing")
    project.save("model/two.safetensors", safetensors({"u": weights(2, 20)}), "it lacks a tensor")
    project.write("top.txt", "1")
    (project.root / "docs/deep/notes.txt").rename(project.root / "docs/moved.txt")
    project.commit("folders go")
    project.save("model/two.safetensors", safetensors({"v": weights(3, 20)}), "whole")
    (project.root / "model").rename(project.root / "renamed")
    project.commit("a folder is renamed")
    before = all_answers(project.repo)
    assert len({row[0] for row in before["lint"]}) == 3
    forget_catalog(project.repo)
    assert all_answers(project.repo) == before
    for commit, *_ in before["commits"]:
        listed = {row[1] for row in before["files"] if row[0] == commit}
        assert listed == read_files(project.repo, project.repo.commit_tree(str(commit))).keys()
