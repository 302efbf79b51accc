import io

import pytest

from modelhub.cli.output.terminal import describe_terminal


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class AsciiScreen(Screen):
    encoding = "ascii"


XTERM = {"TERM": "xterm"}


@pytest.mark.parametrize(
    ("stream", "env", "choice", "colour"),
    [
        (Screen(), XTERM, "auto", True),
        (Screen(), {**XTERM, "NO_COLOR": "1"}, "auto", False),
        (Screen(), {**XTERM, "NO_COLOR": ""}, "auto", True),
        (Screen(), {**XTERM, "CLICOLOR": "0"}, "auto", False),
        (Screen(), {"TERM": "dumb"}, "auto", False),
        (Screen(), {}, "auto", False),
        (Screen(), XTERM, "never", False),
        (io.StringIO(), XTERM, "auto", False),
        (io.StringIO(), {**XTERM, "FORCE_COLOR": "1"}, "auto", True),
        (io.StringIO(), {**XTERM, "FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
        (io.StringIO(), {**XTERM, "NO_COLOR": "1"}, "always", True),
    ],
)
def test_colour_follows_the_option_then_the_environment_then_the_stream(stream, env, choice, colour):
    assert describe_terminal(stream, env, choice).colour is colour


def test_a_pipe_has_no_width():
    assert describe_terminal(io.StringIO(), {"COLUMNS": "40"}).width is None


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("5", 20), ("0", 80), ("wide", 80), ("", 80)])
def test_the_width_is_what_columns_says(columns, width):
    assert describe_terminal(Screen(), {"COLUMNS": columns}).width == width


def test_a_stream_that_is_not_utf8_gets_ascii():
    assert describe_terminal(Screen(), {}).unicode
    assert not describe_terminal(AsciiScreen(), {}).unicode


def test_a_closed_stream_is_no_terminal():
    stream = open("/dev/null")  # noqa: SIM115
    stream.close()
    assert not describe_terminal(stream, {}).interactive
