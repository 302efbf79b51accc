"""Find tensors that look alike wherever they lie: by their sketches, and as transposes by their statistics.

Renamed tensors, copies in other files, similar models and casts are found without comparing all pairs.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from modelhub.catalog.tensor_looks import TensorLook
from modelhub.store.item import FLOAT_KINDS, Item

FAR = 0.5
"""Sketches further apart than this belong to unrelated tensors."""

MOST_ALIKE = 2
MOST_TURNED = 2
"""So many tensors that look alike are tried for each, and so many that could be its transpose."""

ALMOST = 0.1
"""By so much the statistics of a transpose may differ."""

WINDOW = 16
"""So many tensors of nearly the same spread are looked at on either side."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A tensor with its look; `line` is the place it is mostly found at: one path and name."""

    number: int
    item: Item
    shape: tuple[int, ...]
    line: int
    look: TensorLook


def alike(tensors: Sequence[Looked]) -> dict[int, list[int]]:
    """Return for each tensor the numbers of earlier ones of other lines that have like values, nearest first.

    `tensors` come in the order of their numbers. Floats of all kinds are compared. Cost: near linear.
    """
    from modelhub.weights.kinship import is_telling
    from modelhub.weights.sketch_index import SketchIndex

    classes: dict[tuple[str, int, int], list[Looked]] = {}
    for one in tensors:
        elements = math.prod(one.shape)
        if is_telling(one.look.dtype, elements, one.look.sketch):
            classes.setdefault((_family(one.item), elements, len(one.look.sketch)), []).append(one)
    found: dict[int, list[int]] = {}
    for members in classes.values():
        index = SketchIndex([one.look.sketch for one in members])
        for place, one in enumerate(members):
            near = index.nearest(place, line=one.line, bound=FAR, most=MOST_ALIKE)
            found[one.number] = [members[other].number for other in near]
            index.add(place, line=one.line)
    return found


def turned(tensors: Sequence[Looked]) -> dict[int, list[int]]:
    """Return for each matrix the numbers of earlier ones of reversed shape whose statistics are nearly equal.

    `tensors` come in the order of their numbers. The one with the most equal statistics comes first; whether it is the
    transpose its values must say. Cost: near linear.
    """
    shelves: dict[tuple[str, tuple[int, ...]], _Shelf] = {}
    found: dict[int, list[int]] = {}
    for one in tensors:
        if len(one.shape) != 2 or min(one.shape) < 2 or not one.look.std:
            continue
        shelf = shelves.get((_family(one.item), one.shape[::-1]))
        if shelf is not None:
            found[one.number] = shelf.near(one.look)
        shelves.setdefault((_family(one.item), one.shape), _Shelf()).put(one)
    return found


def _family(item: Item) -> str:
    return "float" if item.kind in FLOAT_KINDS else item.kind


class _Shelf:
    """Matrices of one shape in the order of their spread, of each line the newest."""

    def __init__(self) -> None:
        self._spreads: list[tuple[float, int]] = []
        self._looks: dict[int, TensorLook] = {}
        self._newest: dict[int, int] = {}

    def put(self, one: Looked) -> None:
        older = self._newest.get(one.line)
        if older is not None:
            del self._spreads[bisect_left(self._spreads, (self._looks.pop(older).std or 0.0, older))]
        self._newest[one.line] = one.number
        self._looks[one.number] = one.look
        insort(self._spreads, (one.look.std or 0.0, one.number))

    def near(self, look: TensorLook) -> list[int]:
        at = bisect_left(self._spreads, (look.std or 0.0, 0))
        numbers = [number for _, number in self._spreads[max(at - WINDOW, 0) : at + WINDOW]]
        apart = sorted((_apart(look, self._looks[number]), -number) for number in numbers)
        return [-number for distance, number in apart[:MOST_TURNED] if distance < ALMOST]


def _apart(one: TensorLook, other: TensorLook) -> float:
    """Return how much statistics differ: of the spread, of the mean in spreads, of the ends as shares of the range."""
    numbers = [
        (one.mean, other.mean), (one.std, other.std), (one.minimum, other.minimum), (one.maximum, other.maximum)
    ]  # fmt: skip
    pairs = [(left, right) for left, right in numbers if left is not None and right is not None]
    if len(pairs) < len(numbers) or not one.std or not other.std:
        return math.inf
    (mean, other_mean), (std, other_std), (low, other_low), (high, other_high) = pairs
    moved = abs(low - other_low) + abs(high - other_high)
    return abs(math.log(std / other_std)) + abs(mean - other_mean) / std + moved / (high - low)
