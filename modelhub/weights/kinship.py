"""Judge whether tensors have one origin: by their correlation, which chance and equal scales do not fake.

The means are taken off first. Norm weights near one and trained from different seeds have a cosine of 0.997 and a
relative change of 0.05, and no common origin; their correlation is near 0. Measurements: docs/design/005.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelhub.weights.difference import TensorDifference
from modelhub.weights.summary import TensorStatistics

Standing = Literal["identical", "near", "far", "unrelated", "unclear"]

NEAR = 0.75
"""Correlation from which two tensors are taken for steps of one training."""

FAR = 0.3
"""Correlation from which they are taken to have one origin still."""

CHANCE = 5.0
"""A correlation below this many times what chance gives (1 / root of the number of values) says nothing."""

SMALL = 0.25
"""Constants and very small tensors that changed by less than this share of their norm count as near."""

LEAST_ELEMENTS = 48
"""In smaller tensors chance alone gives correlations near NEAR."""

LEAST_DISTINCT = 8
APART = math.sqrt(2.0)
"""The distance of two sketches that have nothing in common."""


def is_telling(dtype: str, elements: int, sketch: bytes) -> bool:
    """Tell whether equality with another tensor would mean anything: not for masks, counters and constants."""
    if (
        elements < LEAST_ELEMENTS
        or dtype == "bool"
        or dtype.startswith(("int16", "int32", "int64", "uint16", "uint32"))
    ):
        return False
    if dtype == "uint64":
        return False
    return len(np.unique(np.frombuffer(sketch, dtype="<u4"))) >= LEAST_DISTINCT


def centred_distances(one: bytes, others: Sequence[bytes]) -> list[float]:
    """Return how far sketches are apart with their means taken off: 0.0 equal, about 1.41 unrelated, inf no answer."""
    fitting = [index for index, other in enumerate(others) if len(other) == len(one)]
    result = [math.inf] * len(others)
    if fitting and one:
        rows = np.frombuffer(b"".join(others[index] for index in fitting), dtype="<f4").reshape(len(fitting), -1)
        found = _distances(np.frombuffer(one, dtype="<f4").astype(np.float64), rows.astype(np.float64))
        for index, value in zip(fitting, found, strict=True):
            result[index] = value
    return result


def _distances(one: npt.NDArray[np.float64], rows: npt.NDArray[np.float64]) -> list[float]:
    with np.errstate(all="ignore"):
        left, right = one - one.mean(), rows - rows.mean(axis=1, keepdims=True)
        moved = np.square(left - right).sum(axis=1)
        larger = np.maximum(np.square(left).sum(), np.square(right).sum(axis=1))
        relative = np.where(moved == 0.0, 0.0, np.sqrt(moved / larger))
    return [float(value) if math.isfinite(value) else math.inf for value in relative]


class SketchTable:
    """Many sketches of one length, prepared once, to be compared with one after another."""

    def __init__(self, sketches: Sequence[bytes]) -> None:
        length = max(map(len, sketches), default=4)
        self._places = [place for place, sketch in enumerate(sketches) if len(sketch) == length]
        data = b"".join(sketches[place] for place in self._places)
        with np.errstate(all="ignore"):
            rows = np.frombuffer(data, dtype="<f4").reshape(len(self._places), max(length // 4, 1)).astype(np.float32)
            self._rows = rows - rows.mean(axis=1, keepdims=True)
            self._squares = np.square(self._rows).sum(axis=1)

    def near(self, sketch: bytes, bound: float) -> dict[int, float]:
        """Return the places of the sketches whose centred distance is below a bound, nearest first.

        The distances are rounded to about 0.001. Cost: 0.1 ms for a thousand sketches.
        """
        if not sketch or not self._places or len(sketch) != 4 * self._rows.shape[1]:
            return {}
        with np.errstate(all="ignore"):
            one = np.frombuffer(sketch, dtype="<f4").astype(np.float32)
            one -= one.mean()
            square = np.square(one).sum()
            moved = np.maximum(self._squares + square - 2 * (self._rows @ one), 0)
            found = np.sqrt(moved / np.maximum(self._squares, square))
            chosen = np.flatnonzero(found < bound)
        order = chosen[np.argsort(found[chosen], kind="stable")]
        return {self._places[place]: float(found[place]) for place in order}


def correlation(difference: TensorDifference, before: TensorStatistics, after: TensorStatistics) -> float | None:
    """Return the cosine of two tensors with their means taken off; None where one is constant or not finite."""
    numbers = (difference.cosine, difference.norm_before, difference.norm_after, before.mean, after.mean)
    if any(number is None for number in numbers) or before.nans or before.infs or after.nans or after.infs:
        return None
    cosine, norm_before, norm_after, mean_before, mean_after = (float(number or 0.0) for number in numbers)
    count = difference.count
    spread_before = norm_before**2 - count * mean_before**2
    spread_after = norm_after**2 - count * mean_after**2
    if spread_before <= 1e-12 * norm_before**2 or spread_after <= 1e-12 * norm_after**2:
        return None
    together = cosine * norm_before * norm_after - count * mean_before * mean_after
    return min(max(together / math.sqrt(spread_before * spread_after), -1.0), 1.0)


def standing(found: float | None, elements: int, relative: float | None) -> Standing:
    """Return how two tensors that are not identical stand to each other, by their correlation.

    Constants and tensors of very few values are never far or unrelated: "unclear", unless the correlation is above what
    chance gives or the relative change is small.
    """
    chance = CHANCE / math.sqrt(elements) if elements else math.inf
    if found is not None and found >= max(NEAR, chance):
        return "near"
    if found is None or elements < LEAST_ELEMENTS:
        return "near" if relative is not None and relative < SMALL else "unclear"
    return "far" if found >= max(FAR, chance) else "unrelated"
