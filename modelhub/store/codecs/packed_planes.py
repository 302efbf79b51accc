"""Codec 8, packed planes: the top two byte planes of floats as one array of 16-bit integers, the others as in codec 2.

Above the noise of the low bits a float is its exponent and the first bits of its mantissa, whose distribution is
smooth: pcodec comes below the entropy of the single planes. Layout: docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs import zstd_frame
from modelhub.store.codecs.byte_planes import rotated, smaller
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, as_bytes, words
from modelhub.store.codecs.packed_integers import pack, unpack_into
from modelhub.store.item import NO_ROWS, Item, Rows

_LEVEL = 10


@dataclass(frozen=True, slots=True)
class PackedPlanes:
    """Packs floats of 2, 4 or 8 bytes."""

    id: int = 8
    name: str = "packed planes"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the lengths, the low planes and the packed top if that is smaller than the block."""
        if item.kind not in EXPONENT_SHIFT or not len(block) or len(block) % item.nbytes:
            return None
        turned = rotated(words(block, item.nbytes), 1)
        low = turned.view(np.uint8).reshape(-1, item.nbytes)[:, :-2]
        parts = [smaller(as_bytes(np.ascontiguousarray(low[:, number]))) for number in range(item.nbytes - 2)]
        parts.append(pack(np.ascontiguousarray(turned.view("<u2").reshape(-1, item.nbytes // 2)[:, -1]), _LEVEL))
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
        turned = np.empty(count, f"<u{item.nbytes}")
        for number, length in enumerate(lengths[:-1]):
            part = view[at : at + length]
            plane = words(part if length == count else zstd_frame.decompress(part, count), 1)
            turned.view(np.uint8).reshape(-1, item.nbytes)[:, number] = plane
            at += length
        top = np.empty(count, np.uint16)
        unpack_into(bytes(view[at:]), top)
        turned.view("<u2").reshape(-1, item.nbytes // 2)[:, -1] = top
        return as_bytes(rotated(turned, 8 * item.nbytes - 1))


PACKED_PLANES = PackedPlanes()
