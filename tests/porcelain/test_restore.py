from __future__ import annotations

import pytest
from contracts.project import Project

from modelhub.errors import DirtyTree, PathNotFound
from modelhub.porcelain.reset import reset
from modelhub.porcelain.restore import restore, unstage
from modelhub.repository.index import read_index


@pytest.fixture
def grown(project: Project) -> Project:
    project.write("a", "1")
    project.write("d/b", "1")
    project.commit("first")
    project.write("a", "2")
    project.write("d/b", "2")
    project.commit("second")
    return project


def test_a_deleted_file_is_restored(grown: Project) -> None:
    grown.remove("a")
    assert restore(grown.repo, paths=["a"]).restored == ("a",)
    assert grown.read("a") == b"2"
    assert grown.status().clean


def test_an_unsaved_change_is_only_lost_by_force(grown: Project) -> None:
    grown.write("a", "precious")
    with pytest.raises(DirtyTree):
        restore(grown.repo, paths=["a"])
    assert grown.read("a") == b"precious"
    restore(grown.repo, paths=["a"], force=True)
    assert grown.read("a") == b"2"


def test_a_file_of_another_version_is_staged_too(grown: Project) -> None:
    restore(grown.repo, paths=["d"], source="HEAD~1")
    assert grown.read("d/b") == b"1"
    assert [change.path for change in grown.status().staged] == ["d/b"]
    assert grown.status().unstaged == ()


def test_a_path_that_is_not_there_is_an_error(grown: Project) -> None:
    with pytest.raises(PathNotFound, match="'x'"):
        restore(grown.repo, paths=["x"])


def test_unstaging_leaves_the_folder_alone(grown: Project) -> None:
    grown.write("a", "3")
    grown.write("c", "new")
    grown.add()
    assert set(unstage(grown.repo, paths=[""]).restored) == {"a", "c"}
    found = grown.status()
    assert (found.staged, found.untracked) == ((), ("c",))
    assert grown.read("a") == b"3"


def test_before_the_first_commit_everything_can_be_unstaged(project: Project) -> None:
    project.write("a", "1")
    project.add()
    unstage(project.repo, paths=["a"])
    assert project.status().untracked == ("a",)


@pytest.mark.parametrize(("mode", "staged", "unstaged"), [("soft", ["a", "d/b"], []), ("mixed", [], ["a", "d/b"])])
def test_soft_and_mixed_resets_move_the_branch_only(
    grown: Project, mode: str, staged: list[str], unstaged: list[str]
) -> None:
    reset(grown.repo, act=grown.act("reset"), revision="HEAD~1", mode=mode)  # type: ignore[arg-type]
    assert grown.read("a") == b"2"
    found = grown.status()
    assert [change.path for change in found.staged] == staged
    assert [change.path for change in found.unstaged] == unstaged


def test_a_hard_reset_makes_the_folder_equal(grown: Project) -> None:
    grown.write("untracked", "mine")
    reset(grown.repo, act=grown.act("reset --hard"), revision="HEAD~1", mode="hard")
    assert {path: grown.read(path) for path in grown.folder()} == {"a": b"1", "d/b": b"1", "untracked": b"mine"}


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("path", ["a", "c"])
def test_a_hard_reset_loses_unsaved_work_only_by_force(grown: Project, path: str, staged: bool) -> None:
    if path == "c" and not staged:
        return
    grown.write(path, "precious")
    if staged:
        grown.add()
    with pytest.raises(DirtyTree):
        reset(grown.repo, act=grown.act("reset --hard"), mode="hard")
    assert grown.read(path) == b"precious"
    reset(grown.repo, act=grown.act("reset --hard"), mode="hard", force=True)
    assert grown.status().clean
    assert sorted(grown.folder()) == ["a", "d/b"]


def test_a_damaged_index_is_made_anew_by_a_reset(grown: Project) -> None:
    grown.repo.layout.index.write_bytes(b"garbage")
    reset(grown.repo, act=grown.act("reset"))
    assert read_index(grown.repo.layout) is not None
    assert grown.status().clean
