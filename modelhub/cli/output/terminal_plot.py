"""Curves drawn on a terminal: a chart of braille letters; elsewhere a line of small bars for each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from modelhub.cli.output.braille import Area, Canvas, Points, area_of
from modelhub.cli.output.quantities import number
from modelhub.cli.output.sparkline import sparkline
from modelhub.cli.output.tables import Column, Row, render
from modelhub.cli.output.terminal import DEFAULT_WIDTH, Terminal
from modelhub.cli.output.text import clean, cut_end, pad
from modelhub.porcelain.curves import Curve, CurvesResult, Panel

CHART_ROWS = 14
LEAST_WIDTH = 40
SPARK_WIDTH = 40
COLOURS = ("blue", "yellow", "green", "red", "cyan", "bold", "dim")


def chart_lines(result: CurvesResult, terminal: Terminal, *, log_y: bool = False) -> Iterator[str]:
    """Yield a chart for each metric; small bars where a chart cannot be shown or its lines not be told apart."""
    for place, panel in enumerate(result.panels):
        if place:
            yield ""
        told_apart = terminal.colour or len(panel.curves) == 1
        wide_enough = (terminal.width or DEFAULT_WIDTH) >= LEAST_WIDTH
        if terminal.interactive and terminal.unicode and told_apart and wide_enough:
            yield from _chart(panel, terminal, log_y=log_y)
        else:
            yield from spark_lines(panel, terminal)


def spark_lines(panel: Panel, terminal: Terminal) -> Iterator[str]:
    """Yield a table with a line of small bars for each curve, and its first, least, most and last value."""
    layout = (
        Column(clean(panel.metric), least=12),
        Column("", least=8),
        *(Column(title, right=True) for title in ("points", "first", "least", "most", "last")),
    )
    rows: list[Row] = []
    for curve in panel.curves:
        finite = [value for value in curve.y if math.isfinite(value)]
        ends = (finite[0], min(finite), max(finite), finite[-1]) if finite else (None,) * 4
        bars = sparkline(curve.y, SPARK_WIDTH, unicode=terminal.unicode)
        rows.append((_label(curve), bars, str(curve.points), *map(number, ends)))
    yield from render(layout, rows, terminal)


def _chart(panel: Panel, terminal: Terminal, *, log_y: bool) -> Iterator[str]:
    lines = [_points(curve, log_y=log_y) for curve in panel.curves]
    area = area_of(lines)
    if area is None:
        yield f"{clean(panel.metric)}: no points"
        return
    levels = _levels(area, log_y=log_y)
    margin = max(map(len, levels.values())) + 1
    columns = (terminal.width or DEFAULT_WIDTH) - margin - 2
    canvas = Canvas(columns, CHART_ROWS, area)
    for place, points in enumerate(lines):
        canvas.line(points, place)
    yield " " * (margin + 1) + terminal.style(clean(panel.metric), "bold")
    for place, row in enumerate(canvas.rows()):
        yield (pad(levels.get(place, ""), margin, right=True) + " │" + _coloured(row, terminal)).rstrip()
    yield " " * (margin + 1) + "└" + "─" * columns
    yield " " * (margin + 2) + _below(panel, area, columns)
    for place, curve in enumerate(panel.curves):
        yield " " * (margin + 2) + terminal.style("━━", _colour(place)) + f" {_label(curve)}"


def _points(curve: Curve, *, log_y: bool) -> Points:
    if not log_y:
        return list(zip(curve.x, curve.y, strict=True))
    return [(x, math.log10(y) if y > 0 else math.nan) for x, y in zip(curve.x, curve.y, strict=True)]


def _levels(area: Area, *, log_y: bool) -> dict[int, str]:
    """Return the values that stand beside some rows."""
    values = {
        0: area.high, CHART_ROWS // 2: area.high + (area.low - area.high) * (CHART_ROWS // 2) / (CHART_ROWS - 1),
        CHART_ROWS - 1: area.low,
    }  # fmt: skip
    return {row: f"{10**value if log_y else value:.4g}" for row, value in values.items()}


def _below(panel: Panel, area: Area, columns: int) -> str:
    """Return the line below the axis: where it begins, what it is, where it ends."""
    left, right = (_place(panel, value) for value in (area.left, area.right))
    room = columns - len(left) - len(right) - 2
    middle = cut_end(clean(panel.x_label), max(room, 0))
    space = max(columns - len(left) - len(right) - len(middle), 2)
    return left + " " * (space // 2) + middle + " " * (space - space // 2) + right


def _place(panel: Panel, x: float) -> str:
    return panel.ticks[int(x)] if panel.ticks else f"{x:.6g}"


def _coloured(row: list[tuple[str, int]], terminal: Terminal) -> str:
    shown = []
    for owner, letters in groupby(row, key=itemgetter(1)):
        text = "".join(letter for letter, _ in letters)
        shown.append(terminal.style(text, _colour(owner)) if owner >= 0 else text)
    return "".join(shown)


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _label(curve: Curve) -> str:
    status = "" if curve.status in ("finished", "recorded") else f" ({curve.status})"
    return clean(curve.label) + status
