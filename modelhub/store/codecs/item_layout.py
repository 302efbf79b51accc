"""What GGML's quantised items are made of: scales in front or behind, and levels, small numbers of a few bits each.

A weight is scale x level + least, where scale and least are shared by some levels in a row. The layouts are those of
the block structures in ggml-common.h. Which one an item has is told by its width alone; where that is wrong nothing but
size is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Columns = NDArray[np.uint8]
"""uint8 [bytes of an item, items]: what all items have at the same place lies together."""

Levels = NDArray[np.uint8]
"""uint8 [levels of an item, items]."""

Floats = NDArray[np.float32]
Scales = Callable[[Columns], tuple[Floats, Floats]]
"""Gives scale and least, each [runs of levels that share them, items]."""


class Bits(Struct, frozen=True):
    """Some bits of `run` levels from `first` on: those in `mask` of as many bytes from `at` on, shifted right by
    `shift`. They are the bits from `up` on of the levels."""

    first: int
    run: int
    at: int
    shift: int
    mask: int
    up: int = 0


class ItemLayout(Struct, frozen=True):
    """Items of one type: `levels`, of which the largest is `top`, and `shared` in a row have one scale.

    `head` are the bytes that hold no levels; signed levels are XORed with `flip`.
    """

    levels: int
    top: int
    shared: int
    head: tuple[int, ...]
    bits: tuple[Bits, ...]
    scales: Scales
    flip: int = 0

    def read(self, columns: Columns) -> Levels:
        """Return the levels."""
        levels = np.zeros((self.levels, columns.shape[1]), np.uint8)
        for one in self.bits:
            part = columns[one.at : one.at + one.run] >> np.uint8(one.shift)
            part &= np.uint8(one.mask)
            levels[one.first : one.first + one.run] |= part << np.uint8(one.up)
        if self.flip:
            levels ^= np.uint8(self.flip)
        return levels

    def write(self, levels: Levels, columns: Columns) -> None:
        """Undo `read`, into columns that are 0 outside the head."""
        if self.flip:
            levels = levels ^ np.uint8(self.flip)
        for one in self.bits:
            part = levels[one.first : one.first + one.run] >> np.uint8(one.up)
            part &= np.uint8(one.mask)
            columns[one.at : one.at + one.run] |= part << np.uint8(one.shift)


def _half(columns: Columns, at: int) -> Floats:
    """Return the float16 at a byte of every item, float32 [1, items]."""
    bits = columns[at] | columns[at + 1].astype(np.uint16) << np.uint16(8)
    found: Floats = bits.view(np.float16).astype(np.float32)[None]
    return found


def _centred(zero: int) -> Scales:
    """Return the scales of items that begin with one, whose level `zero` is the weight 0."""

    def scales(columns: Columns) -> tuple[Floats, Floats]:
        scale = _half(columns, 0)
        return scale, scale * np.float32(-zero)

    return scales


def _scale_and_least(columns: Columns) -> tuple[Floats, Floats]:
    return _half(columns, 0), _half(columns, 2)


def _six_bits(columns: Columns) -> tuple[Floats, Floats]:
    """Scales and leasts of eight runs, in six bits each, in units of the two float16 in front."""
    first, second, high = columns[4:8], columns[8:12], columns[12:16]
    scales = np.concatenate([first & 63, high & 15 | first >> 6 << 4])
    leasts = np.concatenate([second & 63, high >> 4 | second >> 6 << 4])
    return _half(columns, 0) * scales.astype(np.float32), _half(columns, 2) * -leasts.astype(np.float32)


def _signed_scales(columns: Columns) -> tuple[Floats, Floats]:
    """Scales of sixteen runs, int8 in units of the float16 behind; level 32 is the weight 0."""
    scales = _half(columns, 208) * columns[192:208].view(np.int8).astype(np.float32)
    return scales, scales * np.float32(-32)


def _halves(at: int) -> tuple[Bits, ...]:
    """The first sixteen levels in the low nibbles, the others in the high ones."""
    return Bits(0, 16, at, 0, 15), Bits(16, 16, at, 4, 15)


def _nibbles(at: int) -> tuple[Bits, ...]:
    """Eight runs of 32 levels, two in 32 bytes each: one in the low nibbles, the next in the high ones."""
    return tuple(Bits(32 * run, 32, at + run // 2 * 32, run % 2 * 4, 15) for run in range(8))


_FIFTH = tuple(Bits(32 * run, 32, 16, run, 1, 4) for run in range(8))
_SIX = tuple(
    bits
    for run in range(8)
    for bits in (
        Bits(32 * run, 32, run // 4 * 64 + run % 2 * 32, run % 4 // 2 * 4, 15),
        Bits(32 * run, 32, 128 + run // 4 * 32, run % 4 * 2, 3, 4),
    )
)

LAYOUTS: dict[int, ItemLayout] = {
    18: ItemLayout(32, 15, 32, tuple(range(2)), _halves(2), _centred(8)),
    20: ItemLayout(32, 15, 32, tuple(range(4)), _halves(4), _scale_and_least),
    34: ItemLayout(32, 255, 32, tuple(range(2)), (Bits(0, 32, 2, 0, 255),), _centred(128), flip=128),
    144: ItemLayout(256, 15, 32, tuple(range(16)), _nibbles(16), _six_bits),
    176: ItemLayout(256, 31, 32, tuple(range(16)), _nibbles(48) + _FIFTH, _six_bits),
    210: ItemLayout(256, 63, 16, tuple(range(192, 210)), _SIX, _signed_scales),
}
"""By bytes of an item: q4_0, q4_1, q8_0, q4_k, q5_k, q6_k."""
