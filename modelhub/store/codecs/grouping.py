"""Steps sorted by a key of eight bits and packed in groups of neighbouring keys; the decoder derives the keys itself.

Work goes on in pieces that stay in a core's cache; a group is what all pieces have of its keys, one piece after the
other. Layout of the table: docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import Words
from modelhub.store.codecs.packed_integers import pack, unpack_some
from modelhub.store.codecs.scratch import scratch

MOST_KEYS = 256
_COUNT = struct.Struct("<H")
_GROUP = struct.Struct("<BxxxI")
_KEYS = np.arange(MOST_KEYS, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Order:
    """The stable order of a piece, or of a part of one, by its keys: `places` are where the sorted elements lie."""

    keys: NDArray[np.uint8]
    places: NDArray[np.intp]

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self.keys.size

    @property
    def least(self) -> int:
        """The least key."""
        return int(self.keys[self.places[0]])

    @property
    def largest(self) -> int:
        """The largest key."""
        return int(self.keys[self.places[-1]])

    def starts(self, keys: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Return how many elements have a smaller key than each of these, which ascend."""
        return np.searchsorted(self.keys, keys, sorter=self.places)


def order_by(keys: NDArray[np.uint8]) -> Order:
    """Return the order of at least one element. Of bytes numpy makes it by counting them."""
    return Order(keys, np.argsort(keys, kind="stable"))


class GroupWriter:
    """Takes the steps of a block piece by piece, sorts them, and packs them group by group. For one thread."""

    def __init__(self, dtype: np.dtype[np.unsignedinteger], elements: int) -> None:
        self._sorted: Words = scratch("steps", elements, dtype)
        self._pieces: list[list[NDArray[np.intp]]] = []
        self._at = 0

    def begin_piece(self) -> None:
        """Say that the parts that follow are of the next piece."""
        self._pieces.append([])

    def add(self, steps: Words, order: Order) -> None:
        """Take the steps of the next part, in the order of the block."""
        end = self._at + order.size
        steps.take(order.places, mode="clip", out=self._sorted[self._at : end])
        self._pieces[-1].append(np.append(order.starts(_KEYS), order.size) + self._at)
        self._at = end

    def pack(self, *, least: int, level: int) -> bytes:
        """Return the group table and a pcodec file a group. One of fewer than `least` elements goes with the next."""
        below = sum(part - part[0] for parts in self._pieces for part in parts)
        tops = _group_tops(np.asarray(below), least)
        packed = [pack(self._group(low, high), level) for low, high in _key_ranges(tops)]
        table = b"".join(_GROUP.pack(top, len(part)) for top, part in zip(tops, packed, strict=True))
        return b"".join((_COUNT.pack(len(tops)), table, *packed))

    def _group(self, low: int, high: int) -> Words:
        """Return the steps with these keys: piece after piece, of a piece key after key, of a key part after part."""
        spans = [
            self._sorted[part[key] : part[key + 1]]
            for parts in self._pieces
            for key in range(low, high)
            for part in parts
            if part[key] < part[key + 1]
        ]
        group: Words = scratch("group", sum(span.size for span in spans), self._sorted.dtype)
        return np.concatenate(spans, out=group) if spans else group


class GroupReader:
    """The groups of a block, handed out piece by piece in the order they were packed. For one thread."""

    def __init__(self, frame: memoryview, dtype: np.dtype[np.unsignedinteger], elements: int) -> None:
        """Unpack all groups. Raises IntegrityError where they do not have so many elements together."""
        parts = _read_table(frame)
        ranges = _key_ranges([top for top, _ in parts])
        self._steps: Words = scratch("steps", elements, dtype)
        self._group_of = [group for group, (low, high) in enumerate(ranges) for _ in range(low, high)]
        self._next: list[int] = []
        at = 0
        for _, part in parts:
            self._next.append(at)
            at += unpack_some(bytes(part), self._steps[at:])
        if at != elements:
            raise IntegrityError(f"the groups of a delta have {at} steps instead of {elements}")
        self._ends = [*self._next[1:], at]

    def piece(self, orders: Sequence[Order]) -> Iterator[Words]:
        """Yield the steps of the parts of the next piece, whose orders are given, each in the order of the block.

        What is yielded is the thread's own until the next. Raises IntegrityError where a group does not have as many
        elements as the keys say.
        """
        for order, segments in zip(orders, self._segments(orders), strict=True):
            in_order = scratch("sorted", order.size, self._steps.dtype)
            np.concatenate([self._steps[begin:end] for begin, end in segments], out=in_order)
            found: Words = scratch("piece", order.size, self._steps.dtype)
            found[order.places] = in_order
            yield found

    def _segments(self, orders: Sequence[Order]) -> list[list[tuple[int, int]]]:
        """Return where the steps of each part lie, a segment for each key.

        A group has a piece's keys one after the other, and of each key the parts one after the other.
        """
        first = min(order.least for order in orders)
        keys = _KEYS[first : max(order.largest for order in orders) + 1]
        starts = [[*order.starts(keys).tolist(), order.size] for order in orders]
        found: list[list[tuple[int, int]]] = [[] for _ in orders]
        for place in range(keys.size):
            group = self._group_of[first + place]
            at = self._next[group]
            for segments, below in zip(found, starts, strict=True):
                end = at + below[place + 1] - below[place]
                if end > at:
                    segments.append((at, end))
                    at = end
            self._next[group] = at
        if any(at > end for at, end in zip(self._next, self._ends, strict=True)):
            raise IntegrityError("a group of a delta has fewer steps than its keys say")
        return found


def _group_tops(below: NDArray[np.intp], least: int) -> list[int]:
    """Return the largest key of each group, from how many elements have a smaller key than each from 0 to 256."""
    tops: list[int] = []
    before = 0
    for key, count in enumerate(below[1:].tolist()):
        if count - before >= least:
            tops.append(key)
            before = count
    return [*tops[:-1], MOST_KEYS - 1]


def _key_ranges(tops: list[int]) -> list[tuple[int, int]]:
    """Return the half-open range of keys of each group."""
    lows = [0, *(top + 1 for top in tops[:-1])]
    return [(low, top + 1) for low, top in zip(lows, tops, strict=True)]


def _read_table(frame: memoryview) -> list[tuple[int, Bytes]]:
    """Return each group's largest key and packed steps. Raises IntegrityError for an inconsistent table."""
    damaged = IntegrityError("the group table of a delta is damaged")
    if len(frame) < _COUNT.size:
        raise damaged
    (count,) = _COUNT.unpack_from(frame)
    at = _COUNT.size + count * _GROUP.size
    if not 1 <= count <= MOST_KEYS or at > len(frame):
        raise damaged
    groups: list[tuple[int, Bytes]] = []
    for top, length in _GROUP.iter_unpack(frame[_COUNT.size : at]):
        groups.append((top, frame[at : at + length]))
        at += length
    tops = [top for top, _ in groups]
    if at != len(frame) or tops[-1] != MOST_KEYS - 1 or sorted(set(tops)) != tops:
        raise damaged
    return groups
