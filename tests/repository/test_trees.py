from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from contracts.project import Project
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError, PathNotFound, UnsafePath
from modelhub.repository.objects import Entry, Tree
from modelhub.repository.repository import put
from modelhub.repository.trees import changed_files, find_entry, read_files, write_tree

PATHS = st.sampled_from(["a", "b", "c/d", "c/e", "c/f/g", "h/i"])
ENTRIES = st.builds(Entry, st.sampled_from(["file", "exec", "link"]), st.sampled_from(["1" * 64, "2" * 64]), st.just(3))
FILES = st.dictionaries(PATHS, ENTRIES)


def written(project: Project, files: dict[str, Entry]) -> str:
    with project.repo.store.writer() as writer:
        tree = write_tree(writer, files)
        writer.publish()
    return tree


@settings(max_examples=40)
@given(FILES, FILES)
def test_a_table_becomes_trees_and_back_and_differences_are_found(
    before: dict[str, Entry], after: dict[str, Entry]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        old, new = written(project, before), written(project, after)
        assert read_files(project.repo, old) == before
        assert (old == new) == (before == after)
        found = {item.path: (item.before, item.after) for item in changed_files(project.repo, old, new)}
        expected = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
        assert found == {path: pair for path, pair in expected.items() if pair[0] != pair[1]}


def test_a_path_is_found_or_named(project: Project) -> None:
    entry = Entry("file", "1" * 64, 3)
    tree = written(project, {"c/f/g": entry})
    assert find_entry(project.repo, tree, "c/f/g") == entry
    assert find_entry(project.repo, tree, "c/f").mode == "tree"
    for path in ("x", "c/x", "c/f/g/h"):
        with pytest.raises(PathNotFound, match=f"'{path}'"):
            find_entry(project.repo, tree, path)


@pytest.mark.parametrize("name", ["..", ".mh", "a/b", "", "a\0", ".GIT", "x\u200d"])
def test_a_tree_made_elsewhere_with_a_hostile_name_is_refused(project: Project, name: str) -> None:
    with project.repo.store.writer() as writer:
        tree = put(writer, Tree({name: Entry("file", "1" * 64, 3)}))
        writer.publish()
    with pytest.raises(UnsafePath):
        read_files(project.repo, tree)
    with pytest.raises(UnsafePath):
        list(changed_files(project.repo, None, tree))


def test_folders_nested_without_end_are_refused(project: Project) -> None:
    with project.repo.store.writer() as writer:
        tree = put(writer, Tree({}))
        for _ in range(300):
            tree = put(writer, Tree({"d": Entry("tree", tree, 0)}))
        writer.publish()
    with pytest.raises(IntegrityError, match="deep"):
        read_files(project.repo, tree)
