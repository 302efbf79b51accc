"""Steps of 32-bit floats as bins and the bits below them, in numpy.

A bin holds the naturals that have the same top bit and the same three bits after it: eight to an octave, 240 in all,
the first sixteen of one natural each. Which of those in it a natural is say the bits below, as many as there are after
the three. Bins turn by key: elements whose steps are expected twice as large are eight bins apart, and once turned all
have much the same distribution. Symbols from 240 on are spikes: naturals so frequent that they have their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelhub.store.loops.groups import KEYS, Keys

BINS = 240
MOST_SPIKES = KEYS - BINS

WRONG_BINS = "bins and what lies below them do not fit together"

Naturals = NDArray[np.uint32]


class Bins(NamedTuple):
    """The symbol of each element, and what lies below all of them, bit by bit.

    `turns` has for each key by how many bins, 0 to 239, its elements are turned; `spikes` ascend.
    """

    symbols: Keys
    low: Keys
    turns: Keys
    spikes: Naturals


_NUMBERS = np.arange(BINS)
_BELOW = np.maximum((_NUMBERS >> 3) - 1, 0)
_BASES = (_NUMBERS - (_BELOW << 3)) << _BELOW


def write_bins(naturals: Naturals, keys: Keys, bins: Bins, bit: int) -> int:
    """Write the symbol of each natural, and the bits below its bin from `bit` on; return where they end.

    Of the byte that `bit` lies in the bits before stay, of the last one those after are 0.
    """
    symbols, low, turns, spikes = bins
    below = np.maximum(_top_bits(naturals) - 3, 0)
    found = (below << 3) + (naturals >> below.astype(np.uint32)) + turns[keys]
    symbols[:] = np.where(found >= BINS, found - BINS, found)
    if spikes.size:
        nearest = np.minimum(np.searchsorted(spikes, naturals), spikes.size - 1)
        is_spike = spikes[nearest] == naturals
        symbols[is_spike] = BINS + nearest[is_spike]
        below[is_spike] = 0
    ends = bit % 8 + np.cumsum(below)
    first, some = bit // 8, naturals & ((1 << below) - 1).astype(np.uint32)
    before = np.uint64(int(low[first]) & ((1 << bit % 8) - 1)) if bit % 8 else np.uint64(0)
    packed = _packed(some.astype(np.uint64), ends - below, before)
    end = bit - bit % 8 + (int(ends[-1]) if ends.size else bit % 8)
    low[first : -(-end // 8)] = packed[: -(-end // 8) - first]
    return end


def read_bins(keys: Keys, bins: Bins, bit: int) -> tuple[Naturals, int]:
    """Undo `write_bins`: return the naturals, and where their bits end.

    Raises ValueError for a symbol that means nothing, and where bits are missing.
    """
    symbols, low, turns, spikes = bins
    if symbols.size and int(symbols.max()) >= BINS + spikes.size:
        raise ValueError(WRONG_BINS)
    is_spike = symbols >= BINS
    numbers = np.where(is_spike, 0, (symbols.astype(np.int64) - turns[keys]) % BINS)
    below = _BELOW[numbers]
    ends = bit + np.cumsum(below)
    end = int(ends[-1]) if ends.size else bit
    if end > 8 * low.size:
        raise ValueError(WRONG_BINS)
    starts = ends - below
    padded = np.concatenate([low, np.zeros(8, np.uint8)])
    windows = np.ndarray((low.size + 1,), "<u8", padded.data, strides=(1,))
    some = windows[starts >> 3] >> (starts & 7).astype(np.uint64) & ((1 << below) - 1).astype(np.uint64)
    naturals = (_BASES[numbers] + some.astype(np.int64)).astype(np.uint32)
    if spikes.size:
        naturals[is_spike] = spikes[symbols[is_spike] - BINS]
    return naturals, end


def _top_bits(naturals: Naturals) -> NDArray[np.int64]:
    """Return the place of the highest bit that is set; of 0 about 0."""
    _, exponents = np.frexp(naturals.astype(np.float64))
    return exponents.astype(np.int64) - 1


def _packed(values: NDArray[np.uint64], starts: NDArray[np.int64], before: np.uint64) -> Keys:
    """Return values put one after the other, each from the bit where it starts, after what is there `before`."""
    words = np.zeros((int(starts[-1]) >> 6) + 2 if starts.size else 1, np.uint64)
    words[0] = before
    if values.size:
        places, shifts = starts >> 6, (starts & 63).astype(np.uint64)
        np.bitwise_or.at(words, places, values << shifts)
        over = np.where(shifts > 0, values >> (np.uint64(63) - shifts) >> np.uint64(1), np.uint64(0))
        np.bitwise_or.at(words, places + 1, over)
    return words.astype("<u8").view(np.uint8)
