"""Lines of braille dots."""

import math

from modelhub.cli.output.braille import Area, Canvas, area_of


def _text(canvas):
    return ["".join(letter for letter, _ in row) for row in canvas.rows()]


def test_a_line_goes_from_corner_to_corner():
    canvas = Canvas(2, 1, Area(0, 1, 0, 1))
    canvas.line([(0, 0), (1, 1)], 0)
    assert _text(canvas) == ["⡠⠊"]
    assert [[owner for _, owner in row] for row in canvas.rows()] == [[0, 0]]


def test_a_gap_breaks_the_line():
    canvas = Canvas(4, 1, Area(0, 3, 0, 1))
    canvas.line([(0, 0), (1, math.nan), (3, 0)], 0)
    assert _text(canvas) == ["⡀  ⢀"]


def test_the_area_holds_every_point():
    assert area_of([[(0, 1), (2, math.nan)], [(5, -1)]]) == Area(0, 5, -1, 1)
    assert area_of([[(0, math.nan)]]) is None


def test_one_value_stands_in_the_middle():
    canvas = Canvas(1, 1, Area(0, 0, 5, 5))
    canvas.line([(0, 5)], 0)
    assert _text(canvas)[0] != " "
