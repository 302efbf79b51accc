"""Tests of finding a run by its id or name."""

from __future__ import annotations

import pytest
from contracts.logged_run import finished
from contracts.project import Project

from modelhub.errors import InvalidInputError, NotFoundError
from modelhub.porcelain.find_run import find_run

ONE, TWO = "aaaa0000000000a1", "aaaa0000000000a2"


def test_a_run_is_found_by_the_beginning_of_its_id_before_and_after_a_version_takes_it_in(project: Project) -> None:
    finished(project.repo.layout, ONE, name="one")
    before = find_run(project.repo, "aaaa")
    assert (before.run.name, before.commit, before.run.points) == ("one", None, None)
    assert list(before.points(project.repo)["loss"][2]) == [1.0, 0.5, 1 / 3]
    commit = project.commit("take it in", allow_empty=True).commit
    after = find_run(project.repo, ONE)
    assert (after.commit, after.pending) == (commit, None)
    assert list(after.points(project.repo)["loss"][2]) == [1.0, 0.5, 1 / 3]


def test_a_beginning_that_several_have_is_refused_with_the_candidates(project: Project) -> None:
    finished(project.repo.layout, ONE)
    finished(project.repo.layout, TWO)
    with pytest.raises(InvalidInputError, match="2 runs") as caught:
        find_run(project.repo, "aaaa")
    assert caught.value.hint == f"by id: {ONE}, {TWO}"
    assert find_run(project.repo, TWO).run.id == TWO


@pytest.mark.parametrize("text", ["zz", "0123456789abcdef", "One", "%", "_" * 16])
def test_an_unknown_run_is_not_found(project: Project, text: str) -> None:
    finished(project.repo.layout, ONE, name="one")
    with pytest.raises(NotFoundError):
        find_run(project.repo, text)


def test_a_beginning_can_be_too_short(project: Project) -> None:
    finished(project.repo.layout, ONE)
    assert find_run(project.repo, "aa").run.id == ONE
    with pytest.raises(NotFoundError):
        find_run(project.repo, "aaa", least=4)


def test_a_run_is_found_by_its_name_where_that_is_its_own(project: Project) -> None:
    finished(project.repo.layout, ONE, name="one")
    assert find_run(project.repo, "one").run.id == ONE
    finished(project.repo.layout, TWO, name="one")
    with pytest.raises(InvalidInputError, match="2 runs"):
        find_run(project.repo, "one")
    with pytest.raises(InvalidInputError, match="empty"):
        find_run(project.repo, "")


def test_a_whole_id_comes_before_a_name_that_is_equal(project: Project) -> None:
    finished(project.repo.layout, ONE)
    finished(project.repo.layout, TWO, name=ONE)
    assert find_run(project.repo, ONE).run.id == ONE
