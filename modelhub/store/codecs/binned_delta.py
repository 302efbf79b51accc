"""Codec 12: the steps from a base's float32 numbers to those near them, as bins that turn by the base's exponent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store import loops
from modelhub.store.codecs.binned_steps import KIND, BinnedReader, pack_binned, turns
from modelhub.store.codecs.integer_delta import base_words, fits
from modelhub.store.codecs.number_bits import Words, as_bytes, exponent_field, slabs, words
from modelhub.store.codecs.scratch import scratch
from modelhub.store.item import NO_ROWS, Item, Rows
from modelhub.store.loops.groups import Keys

OCTAVES = turns(8)
"""By so many bins steps are turned for each exponent: one more halves them, in units of the last place."""


class BinnedDelta(Struct, frozen=True):
    """Packs the steps of float32 numbers in their own order."""

    id: int = 12
    name: str = "binned delta"
    bases: int = 1

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the binned steps if they are smaller than the block."""
        if not bases or item.kind != KIND or not fits(block, item, bases[0]):
            return None
        new, old = words(block, item.nbytes), words(bases[0], item.nbytes)
        keys: Keys = scratch("keys", old.size, np.uint8)
        _write_keys(old, keys)
        frame = pack_binned(new, old, keys, OCTAVES)
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the base's numbers moved by the steps."""
        old = base_words(nbytes, item, bases)
        if item.kind != KIND:
            raise IntegrityError(f"a binned delta cannot hold items of kind '{item.kind}'")
        steps = BinnedReader(memoryview(frame), old.size, OCTAVES)
        new = np.empty_like(old)
        for piece in slabs(old.size):
            known = old[piece]
            keys: Keys = scratch("keys", known.size, np.uint8)
            _write_keys(known, keys)
            steps.walk(keys, known, new[piece])
        return as_bytes(new)


def _write_keys(bits: Words, keys: Keys) -> None:
    loops.fields(bits, keys, *exponent_field(KIND))


BINNED_DELTA = BinnedDelta()
