"""Tests of the documentation: its commands and its Python run and print what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.pages import ROOT, Reader, check_page, matches, read_blocks, read_commands

FOLLOWED = sorted([*(ROOT / "docs" / "tutorial").glob("*.md"), *(ROOT / "docs" / "how-to").glob("*.md")])
FOLLOWED.append(ROOT / "docs" / "reference" / "python.md")


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    assert check_page(page.read_text("utf-8"), Reader(tmp_path)) == []


def test_ids_times_and_sizes_are_compared_by_kind() -> None:
    shown = ["[main 0123456789] first", "2026-11-23 10:00:00 +0000  1.43 kB"]
    assert matches(shown, ["[main abcdef0123] first", "2027-01-01 11:30:00 +0100    7 B", ""])
    assert not matches(shown, ["[main abcdef0123] second", "2027-01-01 11:30:00 +0100  7 B"])


def test_an_ellipsis_stands_for_a_part_of_a_line_or_for_lines() -> None:
    assert matches(["a … c", "…", "end"], ["a b c", "x", "y", "end"])
    assert matches(["a", "…", "end"], ["a", "end"])
    assert not matches(["a … c"], ["a b d"])
    assert not matches(["a …"], ["a b", "more"])


def test_a_line_more_or_less_is_noticed() -> None:
    assert not matches(["a"], ["a", "b"])
    assert not matches(["a", "b"], ["a"])


def test_a_command_may_go_on_over_lines() -> None:
    block = read_blocks('```console\n$ mh query "select 1\n from x"\n1\n$ ls\n```\n')[0]
    first, second = read_commands(block)
    assert (first.text, first.expected, first.line) == ('mh query "select 1\n from x"', ("1",), 2)
    assert (second.text, second.expected) == ("ls", ())


def test_a_command_that_fails_is_noticed(tmp_path: Path) -> None:
    complaints = check_page("```console\n$ false\n$ echo b\na\n$ echo error: no\nerror: no\n```\n", Reader(tmp_path))
    assert [complaint.split(":")[0] for complaint in complaints] == ["line 2", "line 3", "line 5"]


def test_what_python_prints_is_compared(tmp_path: Path) -> None:
    page = "```python\nx = 1\n```\n\n```python\nprint(x + 1)\n```\n\n```text\n3\n```\n"
    assert len(check_page(page, Reader(tmp_path))) == 1
