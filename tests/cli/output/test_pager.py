import sys

import pytest

from modelhub.cli.output.pager import pager_command, through_pager


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PAGER": "head -3"}, ["head", "-3"]),
        ({"PAGER": "head", "MH_PAGER": "tail"}, ["tail"]),
        ({"PAGER": "cat"}, []),
        ({"PAGER": ""}, []),
        ({"PAGER": "head", "MH_PAGER": ""}, []),
        ({"PAGER": "no-such-program-at-all"}, []),
        ({"PAGER": "'unclosed"}, []),
    ],
)
def test_the_pager_is_what_the_user_asked_for(env, words):
    assert pager_command(env) == words


def test_what_is_written_goes_through_the_pager(tmp_path):
    target = tmp_path / "shown"
    with through_pager({"PAGER": f"tee {target}"}):
        sys.stdout.write("größer\n")
    assert target.read_text("utf-8") == "größer\n"


def test_a_pager_that_is_left_early_ends_the_output_quietly():
    with through_pager({"PAGER": "true"}):
        for _ in range(100_000):
            sys.stdout.write("line\n")


def test_an_error_inside_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), through_pager({"PAGER": "true"}):
        raise ZeroDivisionError
