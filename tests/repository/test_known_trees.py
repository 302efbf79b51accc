from __future__ import annotations

from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.errors import ObjectNotFound
from modelhub.repository.known_trees import KnownTrees, VersionFiles
from modelhub.repository.recent import Recent
from modelhub.repository.trees import changed_files, read_files


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_known_trees_tell_what_changed_as_the_trees_themselves_do(project: Project) -> None:
    project.write("a/b/c", "1")
    project.write("a/d", "1")
    first = project.repo.commit_tree(project.commit().commit)
    project.write("a/b/e", "1")
    project.remove("a/d")
    second = project.repo.commit_tree(project.commit().commit)
    trees = KnownTrees(project.repo)
    assert list(trees.changed(first, second)) == list(changed_files(project.repo, first, second)) != []


def test_a_tree_is_read_once(project: Project) -> None:
    tree = project.repo.commit_tree(project.save("a/b", "1"))
    trees = KnownTrees(project.repo)
    entries = trees.entries(str(tree))
    project.repo.store.delete({str(tree)})
    assert trees.entries(str(tree)) == entries
    with pytest.raises(ObjectNotFound):
        KnownTrees(project.repo).entries(str(tree))


def test_the_files_of_a_version_are_found_by_path(project: Project) -> None:
    project.write("a/b/c.index.json", "{}")
    project.write("a/b/d", "1")
    tree = project.repo.commit_tree(project.save("e.index.json", "{}"))
    trees = KnownTrees(project.repo)
    files = VersionFiles(trees, str(tree))
    for path, entry in read_files(project.repo, tree).items():
        assert path in files
        assert files[path] == entry
    for path in ("a", "a/b", "a/b/x", "x", "e.index.json/x"):
        assert path not in files
        with pytest.raises(KeyError):
            files[path]
    assert set(trees.shard_indexes(str(tree))) == {"a/b/c.index.json", "e.index.json"}


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    read: list[str] = []
    recent = Recent(lambda key: read.append(key) or [key], 4)  # type: ignore[func-returns-value]
    for key in ("a", "b", "a", "c", "a", "b"):
        recent(key)
    assert read == ["a", "b", "c", "b"]
