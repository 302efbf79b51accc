"""Quantisation: every number of a tensor becomes the nearest of 2**k values, which stand in a table of the tensor.

The values follow the tensor's distribution: they begin dense where the cube root of the density is high (Panter and
Dite, 1951) and are then moved to the means of what they stand for until the squared error stops to fall, or
MOST_ROUNDS (Lloyd, 1957). Nothing is random. Against even distances and against quantiles: docs/design/009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MOST_BITS = 8
MOST_ROUNDS = 60
SAMPLE_ELEMENTS = 1 << 20
"""The table is made from so many numbers at most, evenly spread over the tensor; its smallest and largest are added."""

DENSITY_BINS = 1 << 10


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """Writes numbers as places in a table of 2**bits values, sorted, float32 or float64 as the tensor's numbers."""

    bits: int
    table: Array

    def encode(self, values: Array) -> npt.NDArray[np.uint8]:
        """Return the place of the nearest value, of two equally near ones the smaller. `values` are finite."""
        table = self.table.astype(np.float64)
        between = table[:-1] + (table[1:] - table[:-1]) / 2
        return np.searchsorted(between, values.astype(np.float64), side="left").astype(np.uint8)

    def decode(self, codes: Array) -> Array:
        """Return the values of the table at these places."""
        return self.table.take(codes)


def fit_quantized(values: Array, bits: int) -> Quantized:
    """Return the table for a tensor of finite float32 or float64. Cost: sorts up to 2**20 numbers.

    Where the tensor has no more than 2**bits different numbers, and no more than 2**20 in all, nothing is lost.
    """
    sample = np.sort(_sample(values).astype(np.float64))
    distinct = np.unique(sample)
    room = 1 << bits
    if distinct.size <= room:
        table = np.concatenate((distinct, np.full(room - distinct.size, distinct[-1])))
    else:
        table = _settle(sample, _first_table(sample, room))
    return Quantized(bits, np.sort(np.clip(table, sample[0], sample[-1]).astype(values.dtype)))


def _sample(values: Array) -> Array:
    flat = values.reshape(-1)
    step = -(-flat.size // SAMPLE_ELEMENTS)
    return flat if step == 1 else np.concatenate((flat[::step], [flat.min(), flat.max()]))


def _first_table(ordered: npt.NDArray[np.float64], room: int) -> npt.NDArray[np.float64]:
    scale = max(abs(ordered[0]), abs(ordered[-1]))
    counts, edges = np.histogram(ordered / scale, bins=DENSITY_BINS)
    mass = np.concatenate(([0.0], np.cumsum(np.cbrt(counts))))
    return np.asarray(np.interp((np.arange(room) + 0.5) / room, mass / mass[-1], edges) * scale)


def _settle(ordered: npt.NDArray[np.float64], table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Move each value to the mean of the numbers it is nearest to; one that is nearest to none stays."""
    scale = max(abs(ordered[0]), abs(ordered[-1]))
    sums = np.concatenate(([0.0], np.cumsum(ordered / scale)))
    for _ in range(MOST_ROUNDS):
        between = table[:-1] + (table[1:] - table[:-1]) / 2
        ends = np.concatenate(([0], np.searchsorted(ordered, between, side="right"), [ordered.size]))
        counts = np.diff(ends)
        means = (sums[ends[1:]] - sums[ends[:-1]]) / np.maximum(counts, 1) * scale
        least, most = ordered[np.minimum(ends[:-1], ordered.size - 1)], ordered[ends[1:] - 1]
        moved = np.where(counts > 0, np.clip(means, least, most), table)  # small numbers drown in sums of large ones
        if np.array_equal(moved, table):
            break
        table = moved
    return table


def pack_codes(codes: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Return codes of `bits` bits without gaps: the first in the highest bits of the first byte, the rest zero bits."""
    if bits == MOST_BITS:
        return codes
    return np.packbits(np.unpackbits(codes[:, np.newaxis], axis=1)[:, MOST_BITS - bits :].reshape(-1))


def unpack_codes(packed: npt.NDArray[np.uint8], bits: int, count: int) -> npt.NDArray[np.uint8]:
    """Return `count` codes that `pack_codes` packed."""
    single = np.unpackbits(packed, count=count * bits).reshape(count, bits)
    return np.packbits(single, axis=1)[:, 0] >> np.uint8(MOST_BITS - bits)
