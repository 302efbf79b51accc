import errno

import click
import pytest

from modelhub.cli.failures import describe, show
from modelhub.cli.output.terminal import Terminal
from modelhub.errors import DirtyTree, InternalError, QuerySyntaxError, RefNotFound


def shown(error, capsys):
    show(describe(error), Terminal())
    return capsys.readouterr().err


def test_an_error_is_one_line_and_its_hint_another(capsys):
    error = RefNotFound("no ref is named 'exp/lr-3'", hint="'mh branch' lists the names there are")
    assert shown(error, capsys) == "error: no ref is named 'exp/lr-3'\nhint: 'mh branch' lists the names there are\n"


def test_an_error_cannot_send_control_characters_to_the_terminal(capsys):
    assert "\x1b" not in shown(RefNotFound("no ref is named '\x1b[2J'", hint="\x1b"), capsys)


def test_a_query_error_points_at_the_place(capsys):
    text = "select name\nfrom metrix\nwhere 1"
    lines = shown(
        QuerySyntaxError("there is no view 'metrix'", text=text, position=17, hint="metrics"), capsys
    ).splitlines()
    assert lines == ["error: there is no view 'metrix'", "  from metrix", "       ^", "hint: metrics"]


def test_files_that_are_in_the_way_are_listed(capsys):
    paths = tuple(f"file{number}" for number in range(13))
    lines = shown(DirtyTree("unsaved work would be overwritten", paths=paths), capsys).splitlines()
    assert lines[1] == "  file0"
    assert lines[-1] == "  and 3 more"


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "make room"), (errno.EROFS, "read-only"), (errno.EACCES, "rights"), (errno.EIO, None)],
)
def test_the_system_s_refusals_exit_with_their_own_code(number, hint):
    failure = describe(OSError(number, "No such luck", "/data/model.pt"))
    assert failure.code == 74
    assert failure.message == "'/data/model.pt': no such luck"
    assert hint is None or hint in (failure.hint or "")


@pytest.mark.parametrize("error", [InternalError("the index forgot a file"), ZeroDivisionError("division by zero")])
def test_a_bug_is_called_a_bug(error):
    failure = describe(error)
    assert failure.code == 70
    assert "bug in modelhub" in failure.message
    assert "MH_DEBUG" in (failure.hint or "")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_says_that_nothing_was_lost(error):
    failure = describe(error)
    assert (failure.code, failure.message) == (130, "interrupted; nothing was lost")


def test_usage_errors_are_written_as_all_others():
    failure = describe(click.UsageError("Missing argument 'REV'."))
    assert failure.code == 2
    assert failure.message == "missing argument 'REV'"
