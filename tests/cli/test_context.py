import pytest

from modelhub.cli.context import Session
from modelhub.errors import InvalidInputError


@pytest.mark.parametrize(
    ("here", "typed", "path"),
    [
        (".", "a.txt", "a.txt"),
        ("sub", "a.txt", "sub/a.txt"),
        ("sub", "..", ""),
        ("sub", "../b/./c", "b/c"),
        (".", ".", ""),
    ],
)
def test_paths_are_turned_into_the_repository_s(project, here, typed, path):
    (project / "sub").mkdir()
    assert Session(folder=project / here).path(typed) == path


def test_an_absolute_path_is_understood(project):
    assert Session(folder=project).path(str(project / "a" / "b")) == "a/b"


@pytest.mark.parametrize("typed", ["..", "../..", "/", "sub/../../x"])
def test_a_path_outside_is_refused(project, typed):
    with pytest.raises(InvalidInputError, match="outside the repository"):
        Session(folder=project).path(typed)


def test_a_shown_path_can_be_typed_again(project):
    (project / "sub").mkdir()
    session = Session(folder=project / "sub")
    for path in ("sub/a.txt", "b/c.txt"):
        assert session.path(session.shown(path)) == path


def test_the_command_line_is_recorded_within_limits(project):
    act = Session(folder=project, arguments=("commit", "-m", "two words" * 1000), env={"HOME": str(project)}).act()
    assert act.command.startswith("commit -m 'two words")
    assert len(act.command) <= 1000


@pytest.mark.parametrize(
    ("said", "time", "offset"),
    [("2026-01-31T12:00:00+01:00", 1769857200000, 60), ("2026-01-31T11:00:00Z", 1769857200000, 0)],
)
def test_the_time_can_be_given(project, said, time, offset):
    act = Session(folder=project, env={"MH_AUTHOR_DATE": said, "HOME": str(project)}).act()
    assert (act.time, act.offset) == (time, offset)


def test_without_one_the_clock_is_asked(project):
    assert Session(folder=project, env={"HOME": str(project)}).act().time > 1_700_000_000_000


def test_an_empty_path_is_refused(project):
    with pytest.raises(InvalidInputError, match="empty"):
        Session(folder=project).path("")


@pytest.mark.parametrize(
    ("typed", "place"),
    [("v1:./a", "v1:sub/a"), (":../b", ":b"), ("v1:a", "v1:a"), ("v1", "v1"), ("v1:sub/", "v1:sub"), ("v1:", "v1:")],
)
def test_a_place_may_begin_at_the_folder_one_is_in(project, typed, place):
    (project / "sub").mkdir()
    assert Session(folder=project / "sub").place(typed) == place
