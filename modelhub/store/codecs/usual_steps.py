"""Steps that are nearly always the same for a sign and mantissa: those, and where and how others differ from them."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.store import loops
from modelhub.store.codecs.decayed_rows import MANTISSA_BITS, Marks, mantissa_keys
from modelhub.store.codecs.number_bits import Words, unzigzag, zigzag
from modelhub.store.codecs.packed_integers import SMALL_LEVEL, pack, unpack_into
from modelhub.store.codecs.scratch import scratch

USUAL_STEPS = 2 << MANTISSA_BITS

_HEADER = struct.Struct("<II")
_TABLE_NBYTES = 4 * USUAL_STEPS


def pack_usual(new: Words, known: Words) -> bytes:
    """Return the usual steps of float32 numbers from `known` to `new`, and the others. There is at least one."""
    steps: Words = scratch("steps", new.size, new.dtype)
    loops.step(new, known, steps, 4, True)
    keys = mantissa_keys(known, "float32")
    usual = np.zeros(USUAL_STEPS, np.uint32)
    for key in range(USUAL_STEPS):
        found, counts = np.unique(steps[keys == key], return_counts=True)
        usual[key] = found[np.argmax(counts)] if found.size else 0
    expected = usual[keys]
    places = np.flatnonzero(steps != expected)
    gaps = np.diff(places, prepend=-1).astype(np.uint32) - np.uint32(1)
    others = zigzag(unzigzag(steps[places]) - unzigzag(expected[places]))
    parts = [pack(part, SMALL_LEVEL) if part.size else b"" for part in (gaps, others)]
    return b"".join((_HEADER.pack(places.size, len(parts[0])), usual.tobytes(), *parts))


class UsualReader:
    """The steps of marked rows, walked piece by piece in their order. For one thread."""

    def __init__(self, packed: memoryview, elements: int) -> None:
        """Unpack the others. Raises IntegrityError where they do not lie among so many elements."""
        damaged = IntegrityError("the usual steps of a delta are damaged")
        begin = _HEADER.size + _TABLE_NBYTES
        if len(packed) < begin:
            raise damaged
        others, nbytes = _HEADER.unpack_from(packed)
        if others > elements or begin + nbytes > len(packed) or bool(others) != bool(nbytes):
            raise damaged
        self._usual: Words = np.frombuffer(packed[_HEADER.size : begin], "<u4")
        gaps = _unpacked(packed[begin : begin + nbytes], others)
        self._others = unzigzag(_unpacked(packed[begin + nbytes :], others))
        self._places: NDArray[np.int64] = np.cumsum(gaps.astype(np.int64) + 1) - 1
        if others and int(self._places[-1]) >= elements:
            raise damaged
        self._at = 0

    def walk(self, known: Words, marks: Marks, out: Words, length: int) -> None:
        """Write the numbers of the marked rows of the next piece, which lie its steps from `known`, and no others."""
        loops.walk_usual(known, marks, self._usual, out, length)
        count = int(np.count_nonzero(marks)) * length
        begin, end = np.searchsorted(self._places, (self._at, self._at + count)).tolist()
        if begin < end:
            rows, columns = np.divmod(self._places[begin:end] - self._at, length)
            here = np.flatnonzero(marks)[rows] * length + columns
            before = known[here]
            usual = self._usual[mantissa_keys(before, "float32")]
            steps = zigzag(unzigzag(usual) + self._others[begin:end])
            loops.walk(steps, before, steps, 4, True)
            out[here] = steps
        self._at += count


def _unpacked(packed: memoryview, count: int) -> NDArray[np.uint32]:
    """Return so many numbers; no bytes are none. Raises IntegrityError."""
    values = np.empty(count, np.uint32)
    if count:
        unpack_into(bytes(packed), values)
    elif len(packed):
        raise IntegrityError("the usual steps of a delta are damaged")
    return values
