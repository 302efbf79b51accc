"""Codecs 3 and 5, integer delta: the steps from a base's numbers to the new ones, in units of the last place.

The step that training takes has much the same real size everywhere, so in units of the last place it depends on the
base's exponent: codec 3 sorts the steps stably by that exponent and packs groups of exponents by themselves. The
decoder has the base, so no order is stored. Codec 5 packs all steps of a block together.
Layout: docs/reference/format/codecs.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store import loops
from modelhub.store.codecs.grouping import GroupReader, pack_steps
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, Words, as_bytes, exponent_field, slabs, words
from modelhub.store.codecs.packed_integers import LEVEL, pack, unpack_into
from modelhub.store.codecs.scratch import scratch
from modelhub.store.item import NO_ROWS, Item, Rows
from modelhub.store.loops.groups import Keys

MIN_GROUP_ELEMENTS = 1 << 13
WIDTHS = (1, 2, 4, 8)


class PlainDelta(Struct, frozen=True):
    """Packs the steps of integers, in one group."""

    id: int = 5
    name: str = "integer delta"
    bases: int = 1

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return one pcodec file of all the steps if it is smaller than the block."""
        if not bases or not fits(block, item, bases[0]):
            return None
        new, old = words(block, item.nbytes), words(bases[0], item.nbytes)
        steps = np.empty_like(new)
        loops.step(new, old, steps, item.nbytes, item.kind in EXPONENT_SHIFT)
        return _if_smaller(pack(steps), block)

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the base's numbers moved by the steps."""
        old = base_words(nbytes, item, bases)
        steps = np.empty_like(old)
        unpack_into(bytes(frame), steps)
        loops.walk(steps, old, steps, item.nbytes, item.kind in EXPONENT_SHIFT)
        return as_bytes(steps)


class GroupedDelta(Struct, frozen=True):
    """Packs the steps of floats, grouped by the exponent of the base's number."""

    id: int = 3
    name: str = "grouped delta"
    bases: int = 1

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the group table and one pcodec file a group if that is smaller than the block."""
        if not bases or item.kind not in EXPONENT_SHIFT or not fits(block, item, bases[0]):
            return None
        new, old = words(block, item.nbytes), words(bases[0], item.nbytes)
        frame = pack_steps(
            new, old, _keys(old, item), slabs(old.size), is_float=True, least=MIN_GROUP_ELEMENTS, level=LEVEL
        )
        return _if_smaller(frame, block)

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the base's numbers moved by the steps, put back into their order."""
        old = base_words(nbytes, item, bases)
        if item.kind not in EXPONENT_SHIFT:
            raise IntegrityError(f"a grouped delta cannot hold items of kind '{item.kind}'")
        groups = GroupReader(memoryview(frame), old.dtype, old.size, is_float=True)
        keys = _keys(old, item)
        new = np.empty_like(old)
        for piece in slabs(old.size):
            groups.walk(keys[piece], old[piece], new[piece])
        return as_bytes(new)


def _keys(bits: Words, item: Item) -> Keys:
    """Return the low eight bits of every exponent, the thread's own until the next call."""
    keys: Keys = scratch("keys", bits.size, np.uint8)
    loops.fields(bits, keys, *exponent_field(item.kind))
    return keys


def fits(block: Bytes, item: Item, base: Bytes) -> bool:
    """Tell whether a block of whole integers has a base of its length."""
    return len(block) == len(base) > 0 and item.nbytes in WIDTHS and len(block) % item.nbytes == 0


def base_words(nbytes: int, item: Item, bases: Sequence[Bytes]) -> Words:
    """Return the numbers of the first base. Raises IntegrityError where they are not `nbytes` bytes."""
    if not bases or len(bases[0]) != nbytes or item.nbytes not in WIDTHS or nbytes % item.nbytes:
        raise IntegrityError("the base of a delta does not fit it")
    return words(bases[0], item.nbytes)


def _if_smaller(frame: bytes, block: Bytes) -> bytes | None:
    return frame if len(frame) < len(block) else None


GROUPED_DELTA = GroupedDelta()
PLAIN_DELTA = PlainDelta()
