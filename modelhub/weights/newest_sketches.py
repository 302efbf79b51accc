"""The sketches of the newest tensors of one dtype and size, prepared once, to be compared with one after another."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from modelhub.weights.sketch import distances

Array = npt.NDArray[np.float64]

COMPARED = 64
"""So many of the sketches that are nearest by a quick estimate are compared exactly."""

_SLACK = 1e-3
_ALIKE = 1e-6
"""Estimates closer than this are taken for equal, and the newest come first; they are off by less than 1e-7."""


class NewestSketches:
    """Remembers at most so many tensors by their sketches; the oldest goes when another comes."""

    def __init__(self, most: int, known: Iterable[tuple[str, bytes]] = ()) -> None:
        self._most = most
        self._waiting = deque(known, most)
        self._oids: list[str] = []
        self._sketches: list[bytes] = []
        self._count = 0
        self._directions: Array = np.empty((0, 0))
        self._norms: Array = np.empty(0)

    def add(self, oid: str, sketch: bytes) -> None:
        """Take in a tensor, the newest."""
        self._waiting.append((oid, sketch))

    def nearest(self, sketch: bytes, bound: float, limit: int) -> list[str]:
        """Return the tensors whose sketch is less than `bound` from this one (`sketch.distance`), nearest first.

        Of equally near ones the newest comes first. Cost: 0.2 ms for 4,096 tensors.
        """
        if not sketch:
            return []
        self._take_in(len(sketch) // 4)
        slots = self._likely(sketch, bound + _SLACK)
        found = distances(sketch, [self._sketches[slot] for slot in slots])
        ages = self._ages(np.array(slots, dtype=np.int64)).tolist()
        near = sorted(item for item in zip(found, ages, slots, strict=True) if item[0] < bound)
        return [self._oids[slot] for _, _, slot in near[:limit]]

    def _ages(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return how many came after each."""
        return (self._count - 1 - slots) % self._most

    def _take_in(self, values: int) -> None:
        """Prepare what was added since. A sketch with a NaN or Inf gets a norm of NaN: it cannot be estimated."""
        if not self._waiting:
            return
        added = list(self._waiting)
        self._waiting.clear()
        values = self._directions.shape[1] or values
        self._make_room(values, len(added))
        for slot, (oid, sketch) in enumerate(added, self._count):
            if slot < self._most:
                self._oids.append(oid)
                self._sketches.append(sketch)
            else:
                self._oids[slot % self._most], self._sketches[slot % self._most] = oid, sketch
        slots = (self._count + np.arange(len(added))) % self._most
        blank = bytes(4 * values)
        whole = [len(sketch) == 4 * values for _, sketch in added]
        rows = _values(b"".join(sketch if fits else blank for fits, (_, sketch) in zip(whole, added, strict=True)))
        self._directions[slots], self._norms[slots] = _prepared(rows.reshape(len(added), values))
        self._norms[slots[~np.array(whole)]] = math.inf
        self._count += len(added)

    def _make_room(self, values: int, more: int) -> None:
        needed = min(self._count + more, self._most)
        if needed > len(self._norms):
            room = min(max(needed, 2 * len(self._norms)), self._most)
            directions, norms = np.zeros((room, values)), np.full(room, math.inf)
            if self._count:
                directions[: len(self._norms)], norms[: len(self._norms)] = self._directions, self._norms
            self._directions, self._norms = directions, norms

    def _likely(self, sketch: bytes, bound: float) -> list[int]:
        """Return the places of those that a quick estimate puts nearest, and of all that it cannot judge."""
        (direction,), (norm,) = _prepared(_values(sketch).reshape(1, -1))
        if math.isnan(norm) or self._directions.shape[1] != len(direction):
            return list(range(len(self._oids)))
        with np.errstate(all="ignore"):
            larger = np.maximum(self._norms, norm)
            share = np.minimum(self._norms, norm) / larger
            squares = 1 + share * (share - 2 * np.einsum("ij,j->i", self._directions, direction))
            found = np.where(larger == 0, 0.0, np.sqrt(np.maximum(squares, 0)))
            chosen = np.flatnonzero(found < bound)
        if len(chosen) > COMPARED:
            chosen = chosen[np.lexsort((self._ages(chosen), np.rint(found[chosen] / _ALIKE)))[:COMPARED]]
        unjudged = np.flatnonzero(np.isnan(self._norms))
        return [*chosen.tolist(), *unjudged.tolist()]


def _values(data: bytes) -> Array:
    with np.errstate(invalid="ignore"):  # signalling NaN
        return np.frombuffer(data, dtype="<f4").astype(np.float64)


def _prepared(rows: Array) -> tuple[Array, Array]:
    """Return the rows scaled to a norm of one, and their norms."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.square(rows).sum(axis=1))
        norms[~np.isfinite(norms)] = math.nan
        return rows / np.where(norms > 0, norms, 1.0)[:, None], norms
