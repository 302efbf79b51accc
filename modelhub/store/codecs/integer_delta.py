"""Codecs 3 and 5, integer delta: the steps from a base's numbers to the new ones, in units of the last place.

The step that training takes has much the same real size everywhere, so in units of the last place it depends on the
base's exponent: codec 3 sorts the steps stably by that exponent and packs groups of exponents by themselves. The
decoder has the base, so no order is stored. Codec 5 packs all steps of a block together.
Layout: docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, Words, as_bytes, exponents, slabs, step, walk, words
from modelhub.store.codecs.packed_integers import pack, unpack_into
from modelhub.store.item import Item

MIN_GROUP_ELEMENTS = 1 << 13
WIDTHS = (1, 2, 4, 8)

_COUNT = struct.Struct("<H")
_GROUP = struct.Struct("<BxxxI")
_KEYS = np.arange(257, dtype=np.uint16)

Order = tuple[NDArray[np.intp], list[int]]

_recent = threading.local()


@dataclass(frozen=True, slots=True)
class PlainDelta:
    """Packs the steps of integers, in one group."""

    id: int = 5
    name: str = "integer delta"
    needs_base: bool = True

    def encode(self, block: Bytes, item: Item, base: Bytes | None) -> Bytes | None:
        """Return one pcodec file of all the steps if it is smaller than the block."""
        if base is None or not _fits(block, item, base):
            return None
        new, old = words(block, item.nbytes), words(base, item.nbytes)
        steps = np.empty_like(new)
        for piece in slabs(new.size):
            steps[piece] = step(new[piece], old[piece], item.kind)
        return _if_smaller(pack(steps), block)

    def decode(self, frame: Bytes, nbytes: int, item: Item, base: Bytes | None) -> Bytes:
        """Return the base's numbers moved by the steps."""
        old = _base_words(nbytes, item, base)
        steps = np.empty_like(old)
        unpack_into(bytes(frame), steps)
        for piece in slabs(old.size):
            steps[piece] = walk(steps[piece], old[piece], item.kind)
        return as_bytes(steps)


@dataclass(frozen=True, slots=True)
class GroupedDelta:
    """Packs the steps of floats, grouped by the exponent of the base's number."""

    id: int = 3
    name: str = "grouped delta"
    needs_base: bool = True

    def encode(self, block: Bytes, item: Item, base: Bytes | None) -> Bytes | None:
        """Return the group table and one pcodec file a group if that is smaller than the block."""
        if base is None or item.kind not in EXPONENT_SHIFT or not _fits(block, item, base):
            return None
        new, old = words(block, item.nbytes), words(base, item.nbytes)
        pieces: list[tuple[Words, list[int]]] = []
        orders = _orders(old, base, item)
        for piece, (order, starts) in zip(slabs(new.size), orders, strict=True):
            pieces.append((step(new[piece], old[piece], item.kind).take(order, mode="clip"), starts))
        tops = _group_tops([starts for _, starts in pieces])
        packed = []
        for low, high in _key_ranges(tops):
            packed.append(pack(np.concatenate([steps[starts[low] : starts[high]] for steps, starts in pieces])))
        _recent.orders = (base, item, orders)
        table = b"".join(_GROUP.pack(top, len(part)) for top, part in zip(tops, packed, strict=True))
        return _if_smaller(b"".join((_COUNT.pack(len(tops)), table, *packed)), block)

    def decode(self, frame: Bytes, nbytes: int, item: Item, base: Bytes | None) -> Bytes:
        """Return the base's numbers moved by the steps, put back into their order."""
        old = _base_words(nbytes, item, base)
        if item.kind not in EXPONENT_SHIFT:
            raise IntegrityError(f"a grouped delta cannot hold items of kind '{item.kind}'")
        parts = _read_groups(memoryview(frame))
        ranges = _key_ranges([top for top, _ in parts])
        orders = _orders(old, base, item)
        groups = []
        for (low, high), (_, part) in zip(ranges, parts, strict=True):
            group = np.empty(sum(starts[high] - starts[low] for _, starts in orders), old.dtype)
            unpack_into(bytes(part), group)
            groups.append(group)
        return as_bytes(_put_back(old, item, orders, list(zip(ranges, groups, strict=True))))


def _put_back(
    old: Words,
    item: Item,
    orders: list[Order],
    groups: list[tuple[tuple[int, int], Words]],
) -> Words:
    """Return the new numbers: every piece takes its share of each group, in its base's order."""
    new = np.empty_like(old)
    taken = [0] * len(groups)
    for piece, (order, starts) in zip(slabs(old.size), orders, strict=True):
        shares = []
        for number, ((low, high), group) in enumerate(groups):
            begin = taken[number]
            taken[number] = begin + starts[high] - starts[low]
            shares.append(group[begin : taken[number]])
        steps = np.empty(order.size, old.dtype)
        steps[order] = np.concatenate(shares)
        new[piece] = walk(steps, old[piece], item.kind)
    return new


def _orders(old: Words, base: Bytes | None, item: Item) -> list[Order]:
    """Return the order of every piece; what was just encoded against this very buffer need not be sorted again."""
    kept = getattr(_recent, "orders", None)
    _recent.orders = None
    if kept is not None and kept[0] is base and kept[1] == item:
        return cast(list[Order], kept[2])
    return [_order(old[piece], item) for piece in slabs(old.size)]


def _order(old: Words, item: Item) -> Order:
    """Return the stable order by exponent and, for each key from 0 to 256, how many elements have a smaller one."""
    keys = exponents(old, item)
    order = np.argsort(keys, kind="stable")
    starts = np.searchsorted(keys.take(order, mode="clip"), _KEYS)
    return order, starts.tolist()


def _group_tops(starts: list[list[int]]) -> list[int]:
    """Return the largest key of each group: groups that are too small are merged with the next."""
    tops: list[int] = []
    before = 0
    for key in range(256):
        below = sum(counts[key + 1] for counts in starts)
        if below - before >= MIN_GROUP_ELEMENTS:
            tops.append(key)
            before = below
    return [*tops[:-1], 255]


def _key_ranges(tops: list[int]) -> list[tuple[int, int]]:
    """Return the half-open range of keys of each group."""
    lows = [0, *(top + 1 for top in tops[:-1])]
    return [(low, top + 1) for low, top in zip(lows, tops, strict=True)]


def _read_groups(frame: memoryview) -> list[tuple[int, memoryview]]:
    """Return each group's largest key and packed steps. Raises IntegrityError for an inconsistent table."""
    damaged = IntegrityError("the group table of a delta is damaged")
    if len(frame) < _COUNT.size:
        raise damaged
    (count,) = _COUNT.unpack_from(frame)
    at = _COUNT.size + count * _GROUP.size
    if not 1 <= count <= 256 or at > len(frame):
        raise damaged
    groups = []
    for top, length in _GROUP.iter_unpack(frame[_COUNT.size : at]):
        groups.append((top, frame[at : at + length]))
        at += length
    tops = [top for top, _ in groups]
    if at != len(frame) or tops[-1] != 255 or sorted(set(tops)) != tops:
        raise damaged
    return groups


def _fits(block: Bytes, item: Item, base: Bytes) -> bool:
    return len(block) == len(base) > 0 and item.nbytes in WIDTHS and len(block) % item.nbytes == 0


def _base_words(nbytes: int, item: Item, base: Bytes | None) -> Words:
    if base is None or len(base) != nbytes or item.nbytes not in WIDTHS or nbytes % item.nbytes:
        raise IntegrityError("the base of a delta does not fit it")
    return words(base, item.nbytes)


def _if_smaller(frame: bytes, block: Bytes) -> bytes | None:
    return frame if len(frame) < len(block) else None


GROUPED_DELTA = GroupedDelta()
PLAIN_DELTA = PlainDelta()
