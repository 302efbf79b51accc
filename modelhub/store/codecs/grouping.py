"""Steps sorted by a key of eight bits and packed in groups of neighbouring keys; the decoder derives the keys itself.

Work goes on in pieces that stay in a core's cache; a group is what all pieces have of its keys, one piece after the
other. Layout of the table: docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import Words
from modelhub.store.codecs.packed_integers import pack, unpack_into

MOST_KEYS = 256
PIECE_BITS = 24
"""A piece has fewer elements than two to this power, so that a key and a place fit into 32 bits together."""

_COUNT = struct.Struct("<H")
_GROUP = struct.Struct("<BxxxI")
_BOUNDS = np.arange(MOST_KEYS, dtype=np.uint32) << np.uint32(PIECE_BITS)


@dataclass(frozen=True, slots=True)
class Order:
    """The stable order of a piece by its keys; `starts[k]` elements, k from 0 to 256, have a smaller key than k."""

    places: NDArray[np.intp]
    starts: list[int]


def order_by(keys: NDArray[np.uint8]) -> Order:
    """Return the order of one piece. Sorting key and place as one number is twice as fast as a stable argsort."""
    both = (keys.astype(np.uint32) << np.uint32(PIECE_BITS)) | np.arange(keys.size, dtype=np.uint32)
    both.sort()
    starts = np.searchsorted(both, _BOUNDS).tolist()
    both &= np.uint32((1 << PIECE_BITS) - 1)
    return Order(both.astype(np.intp), [*starts, keys.size])


def pack_groups(pieces: Sequence[Words], orders: Sequence[Order], *, least: int, level: int) -> bytes:
    """Return the group table and a pcodec file a group. `pieces` are the steps in the order of the block.

    A group of fewer than `least` elements is merged with the next.
    """
    sorted_pieces = [steps.take(order.places, mode="clip") for steps, order in zip(pieces, orders, strict=True)]
    tops = _group_tops([order.starts for order in orders], least)
    packed = [
        pack(
            np.concatenate(
                [
                    steps[order.starts[low] : order.starts[high]]
                    for steps, order in zip(sorted_pieces, orders, strict=True)
                ]
            ),
            level,
        )
        for low, high in _key_ranges(tops)
    ]
    table = b"".join(_GROUP.pack(top, len(part)) for top, part in zip(tops, packed, strict=True))
    return b"".join((_COUNT.pack(len(tops)), table, *packed))


class GroupReader:
    """The groups of a block, handed out piece by piece in the order they were packed."""

    def __init__(self, frame: memoryview, dtype: np.dtype[np.unsignedinteger]) -> None:
        self._parts = _read_table(frame)
        self._ranges = _key_ranges([top for top, _ in self._parts])
        self._dtype = dtype

    def unpack(self, orders: Sequence[Order]) -> list[Words]:
        """Return the steps of every piece in the order of the block. Raises IntegrityError."""
        groups = []
        for (low, high), (_, part) in zip(self._ranges, self._parts, strict=True):
            group = np.empty(sum(order.starts[high] - order.starts[low] for order in orders), self._dtype)
            unpack_into(bytes(part), group)
            groups.append(group)
        taken = [0] * len(groups)
        pieces = []
        for order in orders:
            shares = []
            for number, ((low, high), group) in enumerate(zip(self._ranges, groups, strict=True)):
                begin = taken[number]
                taken[number] = begin + order.starts[high] - order.starts[low]
                shares.append(group[begin : taken[number]])
            steps = np.empty(order.places.size, self._dtype)
            steps[order.places] = np.concatenate(shares)
            pieces.append(steps)
        return pieces


def _group_tops(starts: Sequence[list[int]], least: int) -> list[int]:
    """Return the largest key of each group: groups that are too small are merged with the next."""
    tops: list[int] = []
    before = 0
    for key in range(MOST_KEYS):
        below = sum(counts[key + 1] for counts in starts)
        if below - before >= least:
            tops.append(key)
            before = below
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
