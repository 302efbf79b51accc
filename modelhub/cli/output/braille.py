"""Lines drawn with braille letters, eight dots to a letter: charts for terminals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BLANK = 0x2800
# The bit of each dot of a letter: DOTS[row][column].
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Area:
    """The values that the edges of a canvas stand for."""

    left: float
    right: float
    low: float
    high: float


class Canvas:
    """Letters in rows, each blank or part of lines; a letter belongs to the line that was drawn into it last."""

    def __init__(self, columns: int, rows: int, area: Area) -> None:
        self._columns, self._rows = columns, rows
        self._area = area
        self._bits = [[0] * columns for _ in range(rows)]
        self._owner = [[-1] * columns for _ in range(rows)]

    def line(self, points: Points, owner: int) -> None:
        """Draw a line through points; it is broken where a value is no number."""
        before: tuple[int, int] | None = None
        for x, y in points:
            here = self._dot(x, y) if math.isfinite(x) and math.isfinite(y) else None
            if here is not None:
                for dot in _between(before or here, here):
                    self._set(*dot, owner)
            before = here

    def rows(self) -> Iterator[list[tuple[str, int]]]:
        """Yield each row as its letters and the lines they belong to (-1: none)."""
        for bits, owners in zip(self._bits, self._owner, strict=True):
            yield [(chr(BLANK + bit) if bit else " ", owner) for bit, owner in zip(bits, owners, strict=True)]

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        area = self._area
        across = _share(x, area.left, area.right) * (self._columns * 2 - 1)
        down = (1 - _share(y, area.low, area.high)) * (self._rows * 4 - 1)
        return round(across), round(down)

    def _set(self, across: int, down: int, owner: int) -> None:
        self._bits[down // 4][across // 2] |= DOTS[down % 4][across % 2]
        self._owner[down // 4][across // 2] = owner


def area_of(lines: Sequence[Points]) -> Area | None:
    """Return what holds all points of all lines; None where there is none."""
    points = [(x, y) for line in lines for x, y in line if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Area(min(xs), max(xs), min(ys), max(ys))


def _share(value: float, low: float, high: float) -> float:
    if high <= low:
        return 0.5
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _between(begin: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the dots of a straight line, both ends included."""
    steps = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
    for step in range(steps + 1):
        yield (
            begin[0] + round((end[0] - begin[0]) * step / steps),
            begin[1] + round((end[1] - begin[1]) * step / steps),
        )
