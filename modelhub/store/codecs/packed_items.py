"""Codecs 17 and 18: items of some bytes, such as GGML's quantised ones, alone and near a base's.

Their scales are packed column by column, their levels all together: alone as they are, near a base's by how far they
lie from what is to be expected, of the base's level and both scales. Items of an unknown width have columns alone.
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
from modelhub.store.codecs.item_layout import LAYOUTS, Columns, ItemLayout
from modelhub.store.codecs.level_prediction import expected_levels, pieces
from modelhub.store.codecs.number_bits import as_bytes, words
from modelhub.store.codecs.packed_columns import pack_columns, unpack_columns
from modelhub.store.codecs.packed_integers import LEVEL, SMALL_LEVEL, pack, unpack_into
from modelhub.store.codecs.scratch import scratch
from modelhub.store.item import NO_ROWS, Item, Rows

MOST_NBYTES = 512
MIN_GROUP_ELEMENTS = 1 << 12


class PackedItems(Struct, frozen=True):
    """Packs items without a base."""

    id: int = 17
    name: str = "packed items"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the columns outside the levels, and the levels, if that is smaller than the block."""
        if not _fits(len(block), item):
            return None
        columns, layout = _columns(block, item), _layout(item)
        frame = pack_columns(columns[_head(item, layout)], SMALL_LEVEL)
        if layout is not None:
            frame += pack(layout.read(columns).reshape(-1), SMALL_LEVEL)
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the items put together from columns and levels."""
        if not _fits(nbytes, item):
            raise IntegrityError("packed items do not fit their block")
        layout, view = _layout(item), memoryview(frame)
        columns, head = _empty(nbytes, item, layout)
        end = unpack_columns(view, head)
        columns[_head(item, layout)] = head
        if layout is not None:
            levels = np.empty((layout.levels, columns.shape[1]), np.uint8)
            unpack_into(bytes(view[end:]), levels.reshape(-1))
            layout.write(levels, columns)
        elif end != len(view):
            raise IntegrityError("packed items have more bytes than their columns")
        return _joined(columns)


class ItemDelta(Struct, frozen=True):
    """Packs the steps from a base's items."""

    id: int = 18
    name: str = "item delta"
    bases: int = 1

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the steps of columns and levels if they are smaller than the block."""
        if not bases or len(bases[0]) != len(block) or not _fits(len(block), item):
            return None
        new, old, layout = _columns(block, item), _columns(bases[0], item), _layout(item)
        at = _head(item, layout)
        steps = np.empty(len(at) * new.shape[1], np.uint8)
        loops.step(new[at].reshape(-1), old[at].reshape(-1), steps, 1, False)
        frame = pack_columns(steps.reshape(len(at), -1), LEVEL)
        if layout is not None:
            frame += _pack_levels(new, old, layout)
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the base's items moved by the steps."""
        if not bases or len(bases[0]) != nbytes or not _fits(nbytes, item):
            raise IntegrityError("the base of a delta does not fit it")
        old, layout, view = _columns(bases[0], item), _layout(item), memoryview(frame)
        columns, steps = _empty(nbytes, item, layout)
        at, end = _head(item, layout), unpack_columns(view, steps)
        loops.walk(steps.reshape(-1), old[at].reshape(-1), steps.reshape(-1), 1, False)
        columns[at] = steps
        if layout is not None:
            _unpack_levels(view[end:], old, columns, layout)
        elif end != len(view):
            raise IntegrityError("an item delta has more bytes than its columns")
        return _joined(columns)


def _pack_levels(new: Columns, old: Columns, layout: ItemLayout) -> bytes:
    """Return the group table and groups of the steps from what levels are expected to those there are."""
    levels, expected, keys = (scratch(role, new.shape[1] * layout.levels, np.uint8) for role in _ROLES)
    places = []
    for one in pieces(new.shape[1], layout):
        place = slice(one.start * layout.levels, one.stop * layout.levels)
        found = layout.read(new[:, one]), *expected_levels(layout, old[:, one], new[:, one])
        for part, there in zip(found, (levels, expected, keys), strict=True):
            there[place] = part.reshape(-1)
        places.append(place)
    return pack_steps(levels, expected, keys, places, is_float=False, least=MIN_GROUP_ELEMENTS, level=LEVEL)


def _unpack_levels(packed: memoryview, old: Columns, columns: Columns, layout: ItemLayout) -> None:
    """Write the levels into columns whose head is there."""
    groups = GroupReader(packed, np.dtype(np.uint8), columns.shape[1] * layout.levels, is_float=False)
    for one in pieces(columns.shape[1], layout):
        expected, keys = expected_levels(layout, old[:, one], columns[:, one])
        levels = np.empty_like(expected)
        groups.walk(keys.reshape(-1), expected.reshape(-1), levels.reshape(-1))
        layout.write(levels, columns[:, one])


_ROLES = "levels", "expected", "level keys"


def _fits(nbytes: int, item: Item) -> bool:
    return nbytes > 0 and item.nbytes <= MOST_NBYTES and nbytes % item.nbytes == 0


def _layout(item: Item) -> ItemLayout | None:
    return LAYOUTS.get(item.nbytes) if item.kind == "bytes" else None


def _head(item: Item, layout: ItemLayout | None) -> list[int]:
    """Return the bytes of an item that are packed in columns."""
    return list(range(item.nbytes) if layout is None else layout.head)


def _columns(block: Bytes, item: Item) -> Columns:
    return np.ascontiguousarray(words(block, 1).reshape(-1, item.nbytes).T)


def _empty(nbytes: int, item: Item, layout: ItemLayout | None) -> tuple[Columns, Columns]:
    """Return columns of zeros, and room for those that are packed as such."""
    count = nbytes // item.nbytes
    return np.zeros((item.nbytes, count), np.uint8), np.empty((len(_head(item, layout)), count), np.uint8)


def _joined(columns: Columns) -> Bytes:
    return as_bytes(np.ascontiguousarray(columns.T))


PACKED_ITEMS = PackedItems()
ITEM_DELTA = ItemDelta()
