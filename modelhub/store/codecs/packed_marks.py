"""Which items of a block are marked, as how many lie between marks and how many marks follow each other."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.store.codecs.packed_integers import SMALL_LEVEL, pack, unpack_into

Marks = NDArray[np.bool_]

_HEADER = struct.Struct("<III")


def pack_marks(marks: Marks) -> bytes:
    """Return runs of marks, bool [items], of which there is at least one."""
    edges = np.flatnonzero(marks[1:] != marks[:-1]) + 1
    bounds = np.concatenate([[0] * bool(marks[0]), edges, [marks.size] * bool(marks[-1])])
    lengths = np.diff(bounds, prepend=0).astype(np.uint32)
    packed = [pack(np.ascontiguousarray(lengths[parity::2]), SMALL_LEVEL) for parity in (0, 1)]
    return b"".join((_HEADER.pack(lengths.size // 2, *map(len, packed)), *packed))


def unpack_marks(packed: memoryview, items: int) -> tuple[Marks, int]:
    """Return the marks of so many items, of which there is at least one, and how many bytes they took.

    Raises IntegrityError.
    """
    damaged = IntegrityError("the marks of a block are damaged")
    if len(packed) < _HEADER.size:
        raise damaged
    runs, *nbytes = _HEADER.unpack_from(packed)
    if not 1 <= runs <= (items + 1) // 2 or _HEADER.size + sum(nbytes) > len(packed):
        raise damaged
    lengths, at = np.zeros(2 * runs + 1, np.int64), _HEADER.size
    for parity, length in enumerate(nbytes):
        part = np.empty(runs, np.uint32)
        unpack_into(bytes(packed[at : at + length]), part)
        lengths[parity:-1:2] = part
        at += length
    lengths[-1] = items - lengths.sum()
    if lengths[-1] < 0 or not lengths[1:-1].all():
        raise damaged
    return np.repeat(np.arange(lengths.size) % 2 == 1, lengths), at
