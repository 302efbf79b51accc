"""Files for results: the format from the name, written in one step."""

from pathlib import Path

import pytest

from modelhub.cli.output.destination import format_of, save_lines
from modelhub.errors import InvalidInputError, NotFoundError


def test_the_extension_is_the_format_unless_one_is_said():
    assert format_of(Path("a.CSV")) == "csv"
    assert format_of(Path("a.feather")) == "arrow"
    assert format_of(Path("a.csv"), "json") == "json"
    with pytest.raises(InvalidInputError):
        format_of(Path("answer"))


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    save_lines(path, ["old", "er"])
    save_lines(path, ["new"])
    assert path.read_text() == "new\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_is_said(tmp_path):
    with pytest.raises(NotFoundError):
        save_lines(tmp_path / "none" / "a.txt", [])
    with pytest.raises(InvalidInputError):
        save_lines(tmp_path, [])
