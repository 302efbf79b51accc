"""Codec 8, packed planes: the top two byte planes of floats as one array of 16-bit integers, the others as in codec 2.

Above the noise of the low bits a float is its exponent and the first bits of its mantissa, whose distribution is
smooth: pcodec comes below the entropy of the single planes. Layout: docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store import loops
from modelhub.store.codecs.byte_planes import read_planes, smaller
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, as_bytes, words
from modelhub.store.codecs.packed_integers import pack, unpack_into
from modelhub.store.item import NO_ROWS, Item, Rows

_LEVEL = 10


class PackedPlanes(Struct, frozen=True):
    """Packs floats of 2, 4 or 8 bytes."""

    id: int = 8
    name: str = "packed planes"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the lengths, the low planes and the packed top if that is smaller than the block."""
        if item.kind not in EXPONENT_SHIFT or not len(block) or len(block) % item.nbytes:
            return None
        values = words(block, item.nbytes)
        low, top = np.empty((item.nbytes - 2, values.size), np.uint8), np.empty(values.size, "<u2")
        loops.split(values, low, top, item.nbytes, True)
        parts = [*(smaller(as_bytes(plane)) for plane in low), pack(top, _LEVEL)]
        frame = b"".join((struct.pack(f"<{len(parts)}I", *map(len, parts)), *parts))
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the floats put together from their planes."""
        if item.kind not in EXPONENT_SHIFT or nbytes % item.nbytes or len(frame) < 4 * (item.nbytes - 1):
            raise IntegrityError("the planes of a block do not fit its items")
        view = memoryview(frame)
        lengths = struct.unpack_from(f"<{item.nbytes - 1}I", view)
        at, count = 4 * len(lengths), nbytes // item.nbytes
        if at + sum(lengths) != len(view):
            raise IntegrityError("the plane lengths of a block are damaged")
        planes = read_planes(view[at:], lengths[:-1], count)
        top = np.empty(count, "<u2")
        unpack_into(bytes(view[len(view) - lengths[-1] :]), top)
        items = np.empty(count, f"<u{item.nbytes}")
        loops.join(planes, top, items, True)
        return as_bytes(items)


PACKED_PLANES = PackedPlanes()
