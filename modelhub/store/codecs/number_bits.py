"""Arithmetic on the bits of numbers, exact for every bit pattern: views, order-preserving integers, zigzag."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelhub.files import Bytes
from modelhub.store.codecs.scratch import scratch

Words = NDArray[np.unsignedinteger[Any]]

SLAB_ELEMENTS = 1 << 17
"""Blocks are worked through in pieces of this many elements; the order of steps in a group depends on it."""

PART_ELEMENTS = 1 << 15
"""What makes several passes over a piece does so in parts of this many elements, which stay in a core's cache."""

EXPONENT_SHIFT: dict[str, int] = {"float64": 52, "float32": 23, "float16": 10, "bfloat16": 7}
"""How far right an IEEE 754 bit pattern is shifted to bring its exponent to the bottom."""

_EXPONENT_MASK = {"float16": 0x1F}
_WIDTHS = (1, 2, 4, 8)
_UNSIGNED: dict[int, np.dtype[np.unsignedinteger[Any]]] = {width: np.dtype(f"<u{width}") for width in _WIDTHS}
_SIGNED: dict[int, np.dtype[np.signedinteger[Any]]] = {width: np.dtype(f"<i{width}") for width in _WIDTHS}


def words(data: Bytes, width: int) -> Words:
    """View bytes as little-endian unsigned integers of 1, 2, 4 or 8 bytes, without a copy."""
    return np.frombuffer(data, dtype=_UNSIGNED[width])


def as_bytes(array: NDArray[Any]) -> Bytes:
    """View a contiguous array as read-only bytes, without a copy."""
    if not array.size:
        return b""
    return memoryview(array.data).toreadonly().cast("B")


def slabs(count: int) -> list[slice]:
    """Return the slices that cut `count` elements into pieces."""
    return [slice(start, min(start + SLAB_ELEMENTS, count)) for start in range(0, count, SLAB_ELEMENTS)]


def parts_of(piece: slice) -> list[slice]:
    """Return the slices that cut a piece into parts."""
    return [
        slice(start, min(start + PART_ELEMENTS, piece.stop)) for start in range(piece.start, piece.stop, PART_ELEMENTS)
    ]


def zigzag(steps: Words) -> Words:
    """Map two's complement steps to small naturals in place: 0, -1, 1, -2 become 0, 1, 2, 3."""
    width = steps.dtype.itemsize
    sign = scratch("sign", steps.size, steps.dtype)
    np.right_shift(steps.view(_SIGNED[width]), 8 * width - 1, out=sign.view(_SIGNED[width]))
    steps <<= np.uint8(1)
    steps ^= sign
    return steps


def unzigzag(naturals: Words) -> Words:
    """Undo `zigzag`, in place."""
    sign = scratch("sign", naturals.size, naturals.dtype)
    np.bitwise_and(naturals, naturals.dtype.type(1), out=sign)
    np.negative(sign, out=sign)
    naturals >>= np.uint8(1)
    naturals ^= sign
    return naturals


def exponent_field(kind: str) -> tuple[int, int]:
    """Return how far right a float is shifted to bring the low eight bits of its exponent down, and a mask of them."""
    return EXPONENT_SHIFT[kind], _EXPONENT_MASK.get(kind, 0xFF)


def same_bytes(left: Bytes, right: Bytes) -> bool:
    """Tell whether two buffers hold the same bytes, without a copy and without the interpreter lock."""
    if len(left) != len(right):
        return False
    whole = len(left) & ~7
    if left[whole:] != right[whole:] or left[:64] != right[:64]:
        return False
    return bool(np.array_equal(np.frombuffer(left[:whole], np.uint64), np.frombuffer(right[:whole], np.uint64)))
