from __future__ import annotations

import pytest
from contracts.project import Project

from modelhub.errors import AlreadyExistsError, InvalidInputError, RefNotFound, StateError
from modelhub.porcelain.branch import branches, create_branch, delete_branch, rename_branch
from modelhub.porcelain.merge import merge
from modelhub.porcelain.tag import create_tag, delete_tag, tags


def test_branches_are_listed_by_name_with_where_they_are(project: Project) -> None:
    project.save("a", "1", "first\n\nbody")
    create_branch(project.repo, act=project.act(), name="b/topic")
    assert [(item.name, item.current, item.summary) for item in branches(project.repo)] == [
        ("b/topic", False, "first"), ("main", True, "first")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "-x", "a..b", "a b", "HEAD", "@", "a.lock", "/a", "a/", ".a", "a~1", "x\u200d"])
def test_a_name_that_could_be_misread_is_refused(project: Project, name: str) -> None:
    project.save("a", "1")
    with pytest.raises(InvalidInputError):
        create_branch(project.repo, act=project.act(), name=name)
    with pytest.raises(InvalidInputError):
        create_tag(project.repo, act=project.act(), name=name)


def test_commits_that_nothing_else_holds_keep_a_branch(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    project.save("a", "2")
    project.switch("main")
    with pytest.raises(StateError, match="no other branch"):
        delete_branch(project.repo, act=project.act(), name="topic")
    merge(project.repo, act=project.act(), revision="topic")
    delete_branch(project.repo, act=project.act(), name="topic")
    assert [item.name for item in branches(project.repo)] == ["main"]


def test_the_branch_one_is_on_stays(project: Project) -> None:
    project.save("a", "1")
    with pytest.raises(StateError, match="checked out"):
        delete_branch(project.repo, act=project.act(), name="main", force=True)
    with pytest.raises(RefNotFound):
        delete_branch(project.repo, act=project.act(), name="absent")


def test_head_follows_a_rename(project: Project) -> None:
    commit = project.save("a", "1")
    rename_branch(project.repo, act=project.act(), old="main", new="trunk")
    assert (project.repo.refs.branch, project.repo.head_commit()) == ("trunk", commit)
    create_branch(project.repo, act=project.act(), name="main")
    with pytest.raises(AlreadyExistsError):
        rename_branch(project.repo, act=project.act(), old="trunk", new="main")


def test_the_branch_one_is_on_is_not_moved_behind_ones_back(project: Project) -> None:
    first = project.save("a", "1")
    project.save("a", "2")
    with pytest.raises(StateError, match="checked out"):
        create_branch(project.repo, act=project.act(), name="main", start=first, force=True)


def test_tags_stay_where_they_are_unless_forced(project: Project) -> None:
    first = project.save("a", "1")
    create_tag(project.repo, act=project.act(), name="v1")
    second = project.save("a", "2")
    with pytest.raises(AlreadyExistsError, match="tag 'v1'"):
        create_tag(project.repo, act=project.act(), name="v1")
    assert [item.commit for item in tags(project.repo)] == [first]
    create_tag(project.repo, act=project.act(), name="v1", force=True)
    assert [item.commit for item in tags(project.repo)] == [second]
    assert delete_tag(project.repo, act=project.act(), name="v1") == second
    with pytest.raises(RefNotFound):
        delete_tag(project.repo, act=project.act(), name="v1")


def test_before_the_first_commit_there_is_nothing_to_name(project: Project) -> None:
    with pytest.raises(RefNotFound):
        create_branch(project.repo, act=project.act(), name="topic")
    with pytest.raises(RefNotFound):
        rename_branch(project.repo, act=project.act(), old="main", new="trunk")
    assert branches(project.repo) == ()
