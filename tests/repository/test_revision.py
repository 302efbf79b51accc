from __future__ import annotations

import pytest
from contracts.project import Project

from modelhub.errors import InvalidInputError, PathNotFound, RefNotFound
from modelhub.porcelain.cat import cat
from modelhub.porcelain.merge import merge
from modelhub.porcelain.operations import undo
from modelhub.porcelain.tag import create_tag
from modelhub.repository.revision import resolve, resolve_place


@pytest.fixture
def line(project: Project) -> list[str]:
    return [project.save("a", str(number)) for number in range(4)]


@pytest.mark.parametrize(
    ("text", "back"),
    [("HEAD", 0), ("@", 0), ("main", 0), ("refs/heads/main", 0), ("HEAD~", 1), ("HEAD^", 1), ("main~2", 2),
     ("HEAD~1^~1", 3), ("@~0", 0), ("HEAD^0", 0)],
)  # fmt: skip
def test_steps_go_back_from_a_name(project: Project, line: list[str], text: str, back: int) -> None:
    assert resolve(project.repo, text) == line[-1 - back]


def test_an_id_may_be_shortened_while_it_is_unique(project: Project, line: list[str]) -> None:
    assert resolve(project.repo, line[1]) == line[1]
    assert resolve(project.repo, line[1][:10]) == line[1]
    assert resolve(project.repo, line[1][:10] + "~1") == line[0]


def test_an_id_of_something_else_is_no_revision(project: Project, line: list[str]) -> None:
    tree = project.repo.commit_tree(line[0])
    with pytest.raises(RefNotFound):
        resolve(project.repo, str(tree))


def test_a_tag_and_a_branch_are_found_by_short_name(project: Project, line: list[str]) -> None:
    create_tag(project.repo, act=project.act(), name="exp/v1", revision="HEAD~3")
    assert resolve(project.repo, "exp/v1") == line[0]


def test_a_branch_wins_over_a_tag_of_its_name(project: Project, line: list[str]) -> None:
    create_tag(project.repo, act=project.act(), name="main", revision="HEAD~3")
    assert resolve(project.repo, "main") == line[-1]
    assert resolve(project.repo, "refs/tags/main") == line[0]


@pytest.mark.parametrize("text", ["HEAD~4", "main~99999999999", "HEAD^2"])
def test_a_step_beyond_the_history_says_so(project: Project, line: list[str], text: str) -> None:
    with pytest.raises(RefNotFound, match="goes too far"):
        resolve(project.repo, text)


def test_the_second_parent_of_a_merge(project: Project, line: list[str]) -> None:
    project.switch("topic", create=True, start="HEAD~1")
    tip = project.save("b", "1")
    project.switch("main")
    merge(project.repo, act=project.act("merge"), revision="topic")
    assert resolve(project.repo, "HEAD^2") == tip
    assert resolve(project.repo, "HEAD^1") == line[-1]


def test_earlier_values_of_a_branch_and_of_head(project: Project, line: list[str]) -> None:
    assert [resolve(project.repo, f"@{{{back}}}") for back in range(4)] == line[::-1]
    project.checkout("HEAD~3")
    assert resolve(project.repo, "HEAD@{0}") == line[0]
    assert resolve(project.repo, "HEAD@{1}") == line[3]
    assert resolve(project.repo, "main@{1}") == line[2]
    assert resolve(project.repo, "main@{1}~1") == line[1]


def test_what_was_undone_is_still_found(project: Project, line: list[str]) -> None:
    undo(project.repo, act=project.act("undo"))
    assert resolve(project.repo, "main") == line[2]
    assert resolve(project.repo, "main@{1}") == line[3]


@pytest.mark.parametrize("text", ["main@{99}", "absent@{0}", "@{-1}", "nothing", "0000000000"])
def test_what_names_nothing_is_not_found(project: Project, line: list[str], text: str) -> None:
    with pytest.raises(RefNotFound):
        resolve(project.repo, text)


def test_a_near_name_is_suggested(project: Project, line: list[str]) -> None:
    with pytest.raises(RefNotFound) as caught:
        resolve(project.repo, "mian")
    assert caught.value.hint == "did you mean 'main'?"


def test_nonsense_after_a_step_is_told(project: Project, line: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="'x'"):
        resolve(project.repo, "HEAD~1x")


def test_before_the_first_commit_there_is_no_head(project: Project) -> None:
    with pytest.raises(RefNotFound, match="no commit yet"):
        resolve(project.repo, "HEAD")


def test_a_place_is_a_revision_and_a_path(project: Project, line: list[str]) -> None:
    found = resolve_place(project.repo, "HEAD~1:a")
    assert (found.commit, found.path) == (line[2], "a")
    assert resolve_place(project.repo, ":a").commit == line[3]
    assert resolve_place(project.repo, "main").path is None
    assert b"".join(cat(project.repo, place="HEAD~2:a")) == b"1"
    with pytest.raises(PathNotFound):
        list(cat(project.repo, place="HEAD:a/b"))


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_revision_is_refused_for_a_variable_may_be_unset(project: Project, line: list[str], text: str) -> None:
    with pytest.raises(InvalidInputError, match="empty"):
        resolve(project.repo, text)
