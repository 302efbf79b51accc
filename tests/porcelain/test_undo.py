from __future__ import annotations

import pytest
from contracts.project import Project

from modelhub.errors import DirtyTree, InvalidInputError, RefNotFound, StateError
from modelhub.porcelain.branch import create_branch, delete_branch, rename_branch
from modelhub.porcelain.merge import merge
from modelhub.porcelain.operations import UndoResult, operation_log, undo
from modelhub.porcelain.reset import reset
from modelhub.porcelain.tag import create_tag, delete_tag
from modelhub.repository.refs import Refs


def take_back(project: Project, operation: str | None = None, *, force: bool = False) -> UndoResult:
    return undo(project.repo, act=project.act("undo"), operation=operation, force=force)


@pytest.fixture
def grown(project: Project) -> Project:
    project.save("a", "1")
    project.save("a", "2")
    return project


def _commit(project: Project) -> None:
    project.save("b", "new")


def _branch(project: Project) -> None:
    create_branch(project.repo, act=project.act("branch x"), name="x")


def _branch_delete(project: Project) -> None:
    delete_branch(project.repo, act=project.act("branch -d side"), name="side", force=True)


def _branch_rename(project: Project) -> None:
    rename_branch(project.repo, act=project.act("branch -m"), old="main", new="trunk")


def _tag(project: Project) -> None:
    create_tag(project.repo, act=project.act("tag v1"), name="v1")


def _tag_delete(project: Project) -> None:
    delete_tag(project.repo, act=project.act("tag -d v0"), name="v0")


def _switch_new(project: Project) -> None:
    project.switch("fresh", create=True)


def _checkout(project: Project) -> None:
    project.checkout("HEAD~1")


def _reset_hard(project: Project) -> None:
    reset(project.repo, act=project.act("reset --hard HEAD~1"), revision="HEAD~1", mode="hard")


def _reset_soft(project: Project) -> None:
    reset(project.repo, act=project.act("reset --soft HEAD~1"), revision="HEAD~1", mode="soft")


def _forward(project: Project) -> None:
    merge(project.repo, act=project.act("merge side"), revision="side")


@pytest.mark.parametrize(
    "change",
    [_branch, _branch_delete, _branch_rename, _tag, _tag_delete, _switch_new, _checkout, _reset_hard, _reset_soft,
     _forward],
)  # fmt: skip
def test_undo_takes_every_kind_of_operation_back(grown: Project, change: object) -> None:
    grown.switch("side", create=True)
    grown.save("c", "side")
    grown.switch("main")
    create_tag(grown.repo, act=grown.act("tag v0"), name="v0")
    refs, folder = grown.repo.refs, grown.folder()
    change(grown)  # type: ignore[operator]
    assert grown.repo.refs != refs
    take_back(grown)
    assert grown.repo.refs == refs
    assert grown.folder() == folder
    assert grown.status().clean
    grown.assert_sound()


def test_undoing_a_commit_leaves_its_files_staged(grown: Project) -> None:
    before = grown.repo.refs
    _commit(grown)
    take_back(grown)
    assert grown.repo.refs == before
    assert grown.read("b") == b"new"
    assert [change.path for change in grown.status().staged] == ["b"]


def test_the_first_commit_can_be_undone(project: Project) -> None:
    project.save("a", "1")
    take_back(project)
    assert project.repo.refs == Refs("refs/heads/main", {})
    assert project.read("a") == b"1"
    with pytest.raises(StateError, match="nothing is left to undo"):
        take_back(project)


def test_undo_goes_further_back_each_time(grown: Project) -> None:
    first = grown.repo.refs
    _tag(grown)
    _branch(grown)
    take_back(grown)
    take_back(grown)
    assert grown.repo.refs == first
    assert [bool(item.undoes) for item in operation_log(grown.repo, 4)] == [True, True, False, False]


def test_an_undo_can_be_undone_by_name(grown: Project) -> None:
    _tag(grown)
    take_back(grown)
    take_back(grown, operation_log(grown.repo, 1)[0].oid[:12])
    assert "v1" in grown.repo.refs.tags()


def test_an_operation_that_a_later_one_built_on_is_refused(grown: Project) -> None:
    _commit(grown)
    older = operation_log(grown.repo, 1)[0].oid
    _commit_again = grown.save("b", "newer")
    with pytest.raises(StateError, match="changed again since"):
        take_back(grown, older)
    assert grown.repo.head_commit() == _commit_again


def test_the_branch_that_is_checked_out_cannot_be_undone_away(grown: Project) -> None:
    _branch(grown)
    made = operation_log(grown.repo, 1)[0].oid
    grown.switch("x")
    with pytest.raises(StateError, match="checked out"):
        take_back(grown, made)
    assert grown.repo.refs.head_commit is not None


def test_undo_never_overwrites_unsaved_work(grown: Project) -> None:
    _checkout(grown)
    grown.write("a", "precious")
    with pytest.raises(DirtyTree):
        take_back(grown)
    assert grown.read("a") == b"precious"
    take_back(grown, force=True)
    assert grown.read("a") == b"2"


def test_an_unknown_operation_is_named(grown: Project) -> None:
    with pytest.raises(RefNotFound):
        take_back(grown, "0" * 12)
    with pytest.raises(InvalidInputError):
        take_back(grown, "yesterday")


def test_what_an_undone_undo_brought_back_can_be_undone_again(grown: Project) -> None:
    newest = grown.repo.head_commit()
    take_back(grown)
    take_back(grown, operation_log(grown.repo)[0].oid)
    assert grown.repo.head_commit() == newest
    take_back(grown)
    assert grown.repo.head_commit() != newest


@pytest.mark.parametrize("operation", ["", "a", "not hex"])
def test_too_few_digits_name_no_operation(grown: Project, operation: str) -> None:
    for digit in "0123456789abcdef" if operation == "a" else (operation,):
        with pytest.raises(InvalidInputError, match="is no operation's id"):
            take_back(grown, digit)


def test_undoing_a_switch_that_is_over_says_so(project: Project) -> None:
    project.save("a", "1")
    project.switch("side", create=True)
    project.switch("main")
    project.switch("side")
    switched = operation_log(project.repo)[0].oid
    project.switch("main")
    project.switch("other", create=True)
    with pytest.raises(StateError, match="in effect"):
        undo(project.repo, act=project.act("undo"), operation=switched)


def test_taking_back_the_undo_of_a_commit_leaves_the_folder_alone(project: Project) -> None:
    first = project.save("a", "1")
    project.switch("ft", create=True)
    project.save("a", "2")
    for _ in range(3):
        undo(project.repo, act=project.act("undo"))
    assert project.repo.refs.head_commit is None
    undo(project.repo, act=project.act("undo"), operation=operation_log(project.repo)[0].oid)
    assert project.repo.refs.head_commit == first
    assert (project.root / "a").read_bytes() == b"2"
