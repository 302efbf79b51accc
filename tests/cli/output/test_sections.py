"""Tests of the parts of long views."""

from __future__ import annotations

import pytest

from modelhub.cli.output.sections import pair_lines, titled_pairs, titled_table
from modelhub.cli.output.terminal import Terminal


def test_texts_that_are_too_long_go_on_below_themselves() -> None:
    pairs = [("lr", "0.1"), ("command", "python train.py --rate 0.001 --steps 100")]
    assert list(pair_lines(pairs, Terminal(width=40))) == [
        "  lr       0.1",
        "  command  python train.py --rate 0.001",
        "           --steps 100",
    ]
    assert list(pair_lines(pairs, Terminal())) == ["  lr       0.1", f"  command  {pairs[1][1]}"]


def test_a_word_without_a_blank_is_broken_not_cut() -> None:
    lines = list(pair_lines([("data", "x" * 50)], Terminal(width=40)))
    assert "".join(line.strip().removeprefix("data").strip() for line in lines) == "x" * 50
    assert max(map(len, lines)) == 40


def test_a_long_name_stands_above_its_text() -> None:
    lines = list(pair_lines([("optimizer.param_groups.0.weight_decay", "0.1"), ("lr", "1")], Terminal(width=40)))
    assert lines == ["  optimizer.param_groups.0.weight_decay", " " * 20 + "0.1", "  lr" + " " * 16 + "1"]


@pytest.mark.parametrize("width", [1, 10, 21])
def test_a_terminal_that_is_too_narrow_loses_nothing(width: int) -> None:
    lines = list(pair_lines([("a", "b" * 30)], Terminal(width=width)))
    assert "".join(lines).replace(" ", "") == "a" + "b" * 30


def test_nothing_has_no_title() -> None:
    assert list(titled_pairs("params", [], Terminal())) == []
    assert list(titled_table("outputs", (), [], Terminal())) == []
    assert next(titled_pairs("params", [("a", "b")], Terminal())) == "params"
