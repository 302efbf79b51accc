"""Steps of float32 numbers as bins that turn by a key, packed in their own order: nothing is sorted.

Elements of which steps twice as large are expected have their bins turned by an octave, so that one Huffman table fits
all of them; what lies below the bins is noise and is put down bit by bit. Layout: docs/reference/format/codecs.md.
Measurements: docs/design/014-binned-deltas.md.
"""

from __future__ import annotations

import struct

import numpy as np

from modelhub.errors import IntegrityError
from modelhub.store import loops
from modelhub.store.codecs import zstd_frame
from modelhub.store.codecs.number_bits import Words, as_bytes, words
from modelhub.store.codecs.scratch import scratch
from modelhub.store.loops.binned import BINS, MOST_SPIKES, Bins, Naturals
from modelhub.store.loops.groups import KEYS, Keys

KIND = "float32"

SAMPLE_ELEMENTS = 1 << 12
LEAST_OF_SAMPLE = 24
"""A step that occurs so often in the sample is a spike."""

THOROUGH_LEVEL = 3

_HEADER = struct.Struct("<BxxxI")
_ROOM = 16


def turns(bins: int) -> Keys:
    """Return the turns, uint8 [256], of keys of which each one more turns by so many bins."""
    return (np.arange(KEYS) * bins % BINS).astype(np.uint8)


def pack_binned(new: Words, known: Words, keys: Keys, turns: Keys, *, thorough: bool = False) -> bytes:
    """Return spikes, symbols and the bits below of the steps from `known` to `new`, uint32 bits of as many float32.

    `keys` has one for each, `turns` by how many bins those of each key are turned, uint8 [256]. With `thorough` it is
    also looked whether symbols repeat.
    """
    spikes = _find_spikes(new, known)
    symbols: Keys = scratch("symbols", new.size, np.uint8)
    low: Keys = scratch("below", 4 * new.size + _ROOM, np.uint8)
    end = loops.bin_steps(new, known, keys, Bins(symbols, low, turns, spikes), 0)
    packed = _packed(symbols, thorough=thorough)
    return b"".join((_HEADER.pack(spikes.size, len(packed)), spikes.tobytes(), packed, as_bytes(low[: -(-end // 8)])))


class BinnedReader:
    """The steps of a block, walked piece by piece in their order. For one thread."""

    def __init__(self, frame: memoryview, elements: int, turns: Keys) -> None:
        """Unpack the symbols. Raises IntegrityError where they are not as many as elements."""
        damaged = IntegrityError("the header of a binned delta is damaged")
        if len(frame) < _HEADER.size:
            raise damaged
        count, nbytes = _HEADER.unpack_from(frame)
        begin = _HEADER.size + 4 * count
        if count > MOST_SPIKES or begin + nbytes > len(frame):
            raise damaged
        packed = frame[begin : begin + nbytes]
        self._turns = turns
        self._spikes: Naturals = np.frombuffer(frame[_HEADER.size : begin], "<u4")
        self._symbols = words(packed if nbytes == elements else zstd_frame.decompress(packed, elements), 1)
        self._low = words(frame[begin + nbytes :], 1)
        self._at = self._bit = 0
        self._check_end()

    def walk(self, keys: Keys, known: Words, out: Words) -> None:
        """Write the numbers of the next piece, which lie its steps from `known`, to `out`, which is another array.

        Raises IntegrityError where bits are missing, or left after the last piece.
        """
        symbols = self._symbols[self._at : self._at + known.size]
        bins = Bins(symbols, self._low, self._turns, self._spikes)
        try:
            self._bit = loops.walk_binned(keys, bins, self._bit, known, out)
        except ValueError as error:
            raise IntegrityError(f"a binned delta is damaged: {error}") from None
        self._at += known.size
        self._check_end()

    def _check_end(self) -> None:
        if self._at == self._symbols.size and -(-self._bit // 8) != self._low.size:
            raise IntegrityError("a binned delta has more bits than its steps")


def _find_spikes(new: Words, known: Words) -> Naturals:
    """Return the steps that are common in a sample, at most MOST_SPIKES, ascending."""
    stride = max(1, new.size // SAMPLE_ELEMENTS)
    some, before = (part[::stride][:SAMPLE_ELEMENTS].copy() for part in (new, known))
    loops.step(some, before, some, 4, True)
    found, counts = np.unique(some, return_counts=True)
    common = np.argsort(-counts, kind="stable")[:MOST_SPIKES]
    spikes: Naturals = np.sort(found[common[counts[common] >= LEAST_OF_SAMPLE]])
    return spikes


def _packed(symbols: Keys, *, thorough: bool) -> bytes:
    """Return one zstd frame of the symbols, or the symbols where that does not shrink them."""
    packed = zstd_frame.compress_symbols(as_bytes(symbols))
    if thorough:
        packed = min(packed, zstd_frame.compress(as_bytes(symbols), THOROUGH_LEVEL), key=len)
    return packed if len(packed) < symbols.size else symbols.tobytes()
