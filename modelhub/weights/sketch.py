"""Sketch a tensor by a few of its values, to find the stored tensor most like it without reading either whole."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from modelhub.errors import InvalidInputError
from modelhub.oid import Bytes
from modelhub.weights.arrays import item_nbytes, to_numbers

SKETCH_VALUES = 64

# 2**64 / golden ratio: consecutive multiples spread evenly over a range, so that no fixed step can align with the rows.
_SPREAD = 0x9E3779B97F4A7C15


@lru_cache(maxsize=256)
def positions(count: int) -> tuple[int, ...]:
    """Return which of `count` elements a sketch looks at: one in each of 64 equal parts, rising."""
    if count <= SKETCH_VALUES:
        return tuple(range(count))
    bounds = [part * count // SKETCH_VALUES for part in range(SKETCH_VALUES + 1)]
    jitters = ((part * _SPREAD) % (1 << 64) for part in range(SKETCH_VALUES))
    return tuple(
        low + ((jitter * (high - low)) >> 64) for jitter, low, high in zip(jitters, bounds, bounds[1:], strict=False)
    )


def sketch(read: Callable[[int, int], Bytes], dtype: str, size: int) -> bytes:
    """Return at most 64 values as float32, little-endian; complex gives its real parts, unknown dtypes single bytes.

    `read(offset, nbytes)` reads the tensor's bytes, `size` of them; it is called at most 64 times.
    """
    width = item_nbytes(dtype)
    return _from_items([bytes(read(position * width, width)) for position in positions(size // width)], dtype)


def turned_sketch(read: Callable[[int, int], Bytes], dtype: str, shape: tuple[int, int]) -> bytes:
    """Return the sketch that the transpose of a matrix has; `read(offset, nbytes)` reads the matrix as it lies."""
    rows, columns = shape
    width = item_nbytes(dtype)
    places = (divmod(position, rows) for position in positions(rows * columns))
    return _from_items([bytes(read((row * columns + column) * width, width)) for column, row in places], dtype)


class Sampler:
    """Takes the same sketch from a tensor's blocks as they pass; no block may cut a value in two."""

    def __init__(self, dtype: str, size: int) -> None:
        self._dtype = dtype
        self._width = item_nbytes(dtype)
        self._offsets = deque(position * self._width for position in positions(size // self._width))
        self._items: list[bytes] = []
        self._start = 0

    def feed(self, block: Bytes) -> None:
        """Take in the next block."""
        end = self._start + len(block)
        while self._offsets and self._offsets[0] < end:
            at = self._offsets.popleft() - self._start
            self._items.append(bytes(block[at : at + self._width]))
        self._start = end

    def result(self) -> bytes:
        """Return the sketch once all blocks have passed."""
        return _from_items(self._items, self._dtype)


def _from_items(items: list[bytes], dtype: str) -> bytes:
    data = b"".join(items)
    numbers = to_numbers(data, dtype)
    if numbers is None:
        numbers = np.frombuffer(data, dtype=np.uint8)
    step = numbers.size // len(items) if items else 1
    with np.errstate(all="ignore"):
        return numbers[::step].astype("<f4").tobytes()


def distance(one: bytes, other: bytes) -> float:
    """Return how far two sketches are apart: norm of the difference / larger norm; 0.0 equal, inf not comparable."""
    return distances(one, [other])[0]


def distances(one: bytes, others: Sequence[bytes]) -> list[float]:
    """Return the distance from `one` to each of the others; inf where lengths differ or no pair of values is finite."""
    fitting = [index for index, other in enumerate(others) if len(other) == len(one)]
    result = [math.inf] * len(others)
    if fitting:
        rows = _values(b"".join(others[index] for index in fitting)).reshape(len(fitting), -1)
        for index, value in zip(fitting, _relative(_values(one), rows), strict=True):
            result[index] = value
    return result


def _values(data: bytes) -> npt.NDArray[np.float64]:
    if len(data) % 4:
        raise InvalidInputError("a sketch is a whole number of float32 values")
    with np.errstate(invalid="ignore"):  # signalling NaN
        return np.frombuffer(data, dtype="<f4").astype(np.float64)


def _relative(one: npt.NDArray[np.float64], rows: npt.NDArray[np.float64]) -> list[float]:
    with np.errstate(all="ignore"):
        kept = np.isfinite(rows) & np.isfinite(one)
        left, right = np.where(kept, one, 0.0), np.where(kept, rows, 0.0)
        moved = np.sqrt(np.square(left - right).sum(axis=1))
        larger = np.sqrt(np.maximum(np.square(left).sum(axis=1), np.square(right).sum(axis=1)))
        relative = np.where(moved == 0.0, 0.0, moved / larger)
        empty = ~kept.any(axis=1) & (one.size > 0)
        return [float(value) for value in np.where(empty, math.inf, relative)]
