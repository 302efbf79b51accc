"""Codec 2, byte planes: the first bytes of all items together, then all second bytes, and so on, each plane by itself.

The sign of a float is rotated to the bottom first, so the top plane holds the exponent alone. Layout:
docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store import loops
from modelhub.store.codecs import zstd_frame
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, Words, as_bytes, words
from modelhub.store.item import NO_ROWS, Item, Rows

LEVEL = 1
MAX_PLANES = 64
NATIVE_WIDTHS = (2, 4, 8)

Planes = NDArray[np.uint8]


class BytePlanes(Struct, frozen=True):
    """Compresses each plane with zstd, or keeps it raw where it does not shrink."""

    id: int = 2
    name: str = "byte planes"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the plane lengths and the planes, lowest byte first, if that is smaller than the block."""
        width = item.nbytes
        if not 2 <= width <= MAX_PLANES or not len(block) or len(block) % width:
            return None
        parts: list[Bytes] = [smaller(as_bytes(plane)) for plane in split_planes(block, item)]
        header = struct.pack(f"<{width}I", *map(len, parts))
        frame = b"".join((header, *parts))
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the items put together from their planes."""
        width = item.nbytes
        if not 2 <= width <= MAX_PLANES or nbytes % width or len(frame) < 4 * width:
            raise IntegrityError("the planes of a block do not fit its items")
        view = memoryview(frame)
        lengths = struct.unpack_from(f"<{width}I", view)
        if 4 * width + sum(lengths) != len(view):
            raise IntegrityError("the plane lengths of a block are damaged")
        return as_bytes(join_planes(read_planes(view[4 * width :], lengths, nbytes // width), item))


def read_planes(view: memoryview, lengths: Sequence[int], count: int) -> list[Words]:
    """Undo `smaller`: return planes of `count` bytes, of which these lengths are stored one after the other."""
    planes, at = [], 0
    for length in lengths:
        part = view[at : at + length]
        planes.append(words(part if length == count else zstd_frame.decompress(part, count), 1))
        at += length
    return planes


def smaller(plane: Bytes) -> Bytes:
    """Return one zstd frame of a plane, or the plane where that does not shrink it."""
    packed = zstd_frame.compress(plane, LEVEL)
    return packed if len(packed) < len(plane) else plane


def split_planes(block: Bytes, item: Item) -> Planes:
    """Return uint8 [width, count]: row k holds byte k of every item, of floats with the sign rotated to the bottom."""
    width = item.nbytes
    if width not in NATIVE_WIDTHS:
        return np.ascontiguousarray(words(block, 1).reshape(-1, width).T)
    values = words(block, width)
    planes = np.empty((width, values.size), np.uint8)
    loops.split(values, planes, None, width, item.kind in EXPONENT_SHIFT)
    return planes


def join_planes(planes: list[Words], item: Item) -> NDArray[np.generic]:
    """Undo `split_planes`."""
    width = item.nbytes
    if width not in NATIVE_WIDTHS:
        return np.stack(planes, axis=1).reshape(-1)
    items = np.empty(planes[0].size, f"<u{width}")
    loops.join(planes, None, items, item.kind in EXPONENT_SHIFT)
    return items


BYTE_PLANES = BytePlanes()
