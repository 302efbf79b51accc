"""Steps sorted by a key of eight bits and packed in groups of neighbouring keys; the decoder derives the keys itself.

Work goes on in pieces that stay in a core's cache; a group is what all pieces have of its keys, one piece after the
other. Layout of the table: docs/reference/format/codecs.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store import loops
from modelhub.store.codecs.number_bits import Words
from modelhub.store.codecs.packed_integers import pack, unpack_some
from modelhub.store.codecs.scratch import scratch
from modelhub.store.loops.groups import KEYS, Groups, Keys, Places

_COUNT = struct.Struct("<H")
_GROUP = struct.Struct("<BxxxI")
_KEYS = np.arange(KEYS)


def pack_steps(
    new: Words, known: Words, keys: Keys, pieces: Sequence[slice], *, is_float: bool, least: int, level: int
) -> bytes:
    """Return the group table and a pcodec file a group, of the steps from `known` to `new`, which have these keys.

    The pieces cover all elements, of which there is at least one. A group of fewer than `least` elements goes with the
    next.
    """
    counts = np.empty(KEYS, np.int64)
    loops.count(keys, counts)
    tops = _group_tops(counts, least)
    bounds = np.concatenate([[0], np.cumsum(counts)[tops]])
    groups = _groups(tops, bounds)
    steps: Words = scratch("steps", new.size, new.dtype)
    for one in pieces:
        loops.sort_steps(new[one], known[one], keys[one], groups, steps, is_float)
    packed = [pack(steps[begin:end], level) for begin, end in pairwise(bounds.tolist())]
    table = b"".join(_GROUP.pack(top, len(part)) for top, part in zip(tops, packed, strict=True))
    return b"".join((_COUNT.pack(len(tops)), table, *packed))


class GroupReader:
    """The groups of a block, walked piece by piece in the order they were packed. For one thread."""

    def __init__(
        self, frame: memoryview, dtype: np.dtype[np.unsignedinteger], elements: int, *, is_float: bool
    ) -> None:
        """Unpack all groups. Raises IntegrityError where they do not have so many elements together."""
        parts = _read_table(frame)
        self._is_float = is_float
        self._steps: Words = scratch("steps", elements, dtype)
        bounds = np.zeros(len(parts) + 1, np.int64)
        for number, (_, part) in enumerate(parts):
            bounds[number + 1] = bounds[number] + unpack_some(bytes(part), self._steps[bounds[number] :])
        if bounds[-1] != elements:
            raise IntegrityError(f"the groups of a delta have {bounds[-1]} steps instead of {elements}")
        self._groups = _groups([top for top, _ in parts], bounds)

    def walk(self, keys: Keys, known: Words, out: Words) -> None:
        """Write the numbers of the next piece, which lie its steps from `known`, to `out`, which is another array.

        Raises IntegrityError where a group does not have as many elements as the keys say.
        """
        try:
            loops.walk_sorted(self._steps, keys, self._groups, known, out, self._is_float)
        except ValueError:
            raise IntegrityError("a group of a delta has fewer steps than its keys say") from None


def _groups(tops: Sequence[int], bounds: Places) -> Groups:
    """Return groups whose largest keys are `tops`, and which begin and end at these bounds."""
    return Groups(np.searchsorted(np.array(tops), _KEYS).astype(np.uint8), bounds[:-1].copy(), bounds[1:])


def _group_tops(counts: Places, least: int) -> list[int]:
    """Return the largest key of each group, from how many elements have each key."""
    tops: list[int] = []
    size = 0
    for key, count in enumerate(counts.tolist()):
        size += count
        if size >= least:
            tops.append(key)
            size = 0
    return [*tops[:-1], KEYS - 1]


def _read_table(frame: memoryview) -> list[tuple[int, Bytes]]:
    """Return each group's largest key and packed steps. Raises IntegrityError for an inconsistent table."""
    damaged = IntegrityError("the group table of a delta is damaged")
    if len(frame) < _COUNT.size:
        raise damaged
    (count,) = _COUNT.unpack_from(frame)
    at = _COUNT.size + count * _GROUP.size
    if not 1 <= count <= KEYS or at > len(frame):
        raise damaged
    groups: list[tuple[int, Bytes]] = []
    for top, length in _GROUP.iter_unpack(frame[_COUNT.size : at]):
        groups.append((top, frame[at : at + length]))
        at += length
    tops = [top for top, _ in groups]
    if at != len(frame) or tops[-1] != KEYS - 1 or sorted(set(tops)) != tops:
        raise damaged
    return groups
