"""Bytes at the same place of all items, a column, packed by pcodec; columns alike are packed together."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.store.codecs.number_bits import Words, as_bytes, words
from modelhub.store.codecs.packed_integers import pack, unpack_into

TABLE_NBYTES = 48
"""About what one more packed file takes besides its bytes, and a half for each value that occurs in it."""

_COUNT = struct.Struct("<HxxI")
_RUN = struct.Struct("<HxxI")


def pack_columns(columns: Words, level: int) -> bytes:
    """Return columns, contiguous uint8 [columns, items], as some runs of columns, each in one file of pcodec.

    Where pcodec does not shrink a run its bytes are put down.
    """
    ends = _ends(columns)
    parts = [_smaller(columns[begin:end], level) for begin, end in zip([0, *ends], ends, strict=False)]
    lengths = np.diff(ends, prepend=0).tolist()
    table = b"".join(_RUN.pack(length, len(part)) for length, part in zip(lengths, parts, strict=True))
    return b"".join((_COUNT.pack(len(parts), len(table) + sum(map(len, parts))), table, *parts))


def unpack_columns(packed: memoryview, columns: Words) -> int:
    """Fill contiguous uint8 [columns, items] and return how many bytes that took. Raises IntegrityError."""
    damaged = IntegrityError("the columns of a block are damaged")
    if len(packed) < _COUNT.size:
        raise damaged
    count, nbytes = _COUNT.unpack_from(packed)
    at = _COUNT.size + count * _RUN.size
    end: int = _COUNT.size + nbytes
    if at > end or end > len(packed):
        raise damaged
    first = 0
    for length, part_nbytes in list(_RUN.iter_unpack(packed[_COUNT.size : at])):
        if not length or first + length > len(columns) or at + part_nbytes > end:
            raise damaged
        _unpack(packed[at : at + part_nbytes], columns[first : first + length])
        first, at = first + length, at + part_nbytes
    if first != len(columns) or at != end:
        raise damaged
    return end


def _smaller(run: Words, level: int) -> bytes:
    packed = pack(run.reshape(-1), level)
    return packed if len(packed) < run.size else bytes(as_bytes(run))


def _unpack(part: memoryview, run: Words) -> None:
    if len(part) == run.size:
        run.reshape(-1)[:] = words(part, 1)
    else:
        unpack_into(bytes(part), run.reshape(-1))


def _ends(columns: Words) -> Sequence[int]:
    """Return where runs end: a column goes with those before it unless that takes more than a file of its own."""
    ends: list[int] = []
    if not len(columns):
        return ends
    together = np.bincount(columns[0], minlength=256)
    for at in range(1, len(columns)):
        alone = np.bincount(columns[at], minlength=256)
        if _cost(together + alone) <= _cost(together) + _cost(alone):
            together += alone
        else:
            ends.append(at)
            together = alone
    return [*ends, len(columns)]


def _cost(counts: NDArray[np.int64]) -> float:
    """Return about how many bytes values take that occur so often."""
    present = counts[counts > 0].astype(np.float64)
    bits = (present * (np.log2(present.sum()) - np.log2(present))).sum()
    return float(bits / 8) + TABLE_NBYTES + present.size / 2
