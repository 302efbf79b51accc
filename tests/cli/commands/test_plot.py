"""Curves in the terminal, and as pictures."""

import re

import pytest
from cli.conftest import plain_text

import modelhub


@pytest.fixture
def trained(project):
    for name, rate in (("slow", 0.01), ("fast", 1.0)):
        with modelhub.run(name, params={"lr": rate}) as run:
            for step in range(100):
                run.log(step, loss=1 / (1 + rate * step), **{"val$loss": 2.0})
    return project


def test_off_a_terminal_each_curve_is_a_line_of_bars(mh, trained):
    lines = mh("plot", "loss").out.splitlines()
    assert lines[0].split() == ["loss", "points", "first", "least", "most", "last"]
    assert re.fullmatch(r"slow  lr=0\.01  █[▁-█]{38}▁     100 +1  0\.502513 +1  0\.502513", lines[1])


def test_on_a_terminal_it_is_a_chart(screen, trained):
    shown = plain_text(screen("plot", "loss", columns=60).out)
    assert "━━ slow  lr=0.01" in shown
    assert "└───" in shown
    assert max(map(len, shown.splitlines())) <= 60
    assert "points" in screen("plot", "loss", NO_COLOR="1").out


@pytest.mark.parametrize("options", [[], ["--smooth", "9", "--log-y", "--x", "time"]])
def test_a_picture_of_the_same_curves_is_the_same_file(mh, trained, options):
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        assert f"drawn into '{name}'" in mh("plot", "loss", "val$loss", "accuracy", *options, "-o", name).err
    text = (trained / "one.svg").read_text()
    assert text == (trained / "two.svg").read_text()
    assert "slow  lr=0.01" in text
    assert ">loss<" in text.replace("\n", "")
    assert "<dc:date>" not in text


def test_a_png_is_written(mh, trained):
    pytest.importorskip("matplotlib")
    mh("plot", "accuracy", "-o", "a.png")
    assert (trained / "a.png").read_bytes().startswith(b"\x89PNG")


def test_other_pictures_are_not_made(mh, trained):
    assert ".svg or .png" in mh("plot", "loss", "-o", "a.gif", code=2).err


def test_programs_get_the_points(mh, trained):
    (panel,) = mh("plot", "loss", "--json").json()["panels"]
    assert [curve["label"] for curve in panel["curves"]] == ["slow  lr=0.01", "fast  lr=1"]
    assert len(panel["curves"][0]["x"]) == 100


def test_curves_left_out_are_said(mh, trained):
    assert "1 curve left out" in mh("plot", "loss", "-n", "1").err
