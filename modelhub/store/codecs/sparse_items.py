"""Codecs 19 and 20: few items that differ from a base's, or from 0, and where they are.

The others are not stored at all. What differs is put together without gaps and encoded by another codec as a block of
its own, on what the base has at the same places. Layout: docs/reference/format/codecs.md.
Measurements: docs/design/015-other-kinds-of-numbers.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import as_bytes
from modelhub.store.codecs.packed_marks import Marks, pack_marks, unpack_marks
from modelhub.store.codecs.registry import (
    BINNED_DELTA,
    BYTE_PLANES,
    GROUPED_DELTA,
    ITEM_DELTA,
    PLAIN_DELTA,
    RAW,
    ZSTD,
    codec,
)
from modelhub.store.item import FLOAT_KINDS, NO_ROWS, Item, Rows

SAMPLE_ITEMS = 1 << 12

_HEADER_NBYTES = 4


class SparseItems(Struct, frozen=True):
    """Encodes blocks of which about the share `most` differs, or less."""

    id: int
    name: str
    bases: int
    most: float

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return where items differ, and those that do, if that is smaller than the block."""
        if not len(block) or len(block) % item.nbytes or not self._has_bases(len(block), bases):
            return None
        new, olds = _items(block, item), [_items(base, item) for base in bases[: self.bases]]
        step = len(new) // SAMPLE_ITEMS | 1
        if _differing(new[::step], [old[::step] for old in olds]).mean() > self.most:
            return None
        marks = _differing(new, olds)
        if not marks.any():
            return None
        codec_id, packed = _encoded(new[marks].tobytes(), item, [old[marks].tobytes() for old in olds])
        frame = b"".join((codec_id.to_bytes(_HEADER_NBYTES, "little"), pack_marks(marks), packed))
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the base, or zeros, with the items put in that differ."""
        if not nbytes or nbytes % item.nbytes or not self._has_bases(nbytes, bases) or len(frame) < _HEADER_NBYTES:
            raise IntegrityError("sparse items do not fit their block, or their base")
        view = memoryview(frame)
        codec_id = int.from_bytes(view[:_HEADER_NBYTES], "little")
        if codec_id not in (RAW, *_codecs(item, self.bases)):
            raise IntegrityError(f"sparse items are encoded by codec {codec_id}, which does not fit them")
        marks, at = unpack_marks(view[_HEADER_NBYTES:], nbytes // item.nbytes)
        olds = [_items(base, item) for base in bases[: self.bases]]
        found = codec(codec_id).decode(
            view[_HEADER_NBYTES + at :],
            int(np.count_nonzero(marks)) * item.nbytes,
            item,
            [old[marks].tobytes() for old in olds],
        )
        items = olds[0].copy() if olds else _items(bytes(nbytes), item).copy()
        items[marks] = _items(found, item)
        return as_bytes(items)

    def _has_bases(self, nbytes: int, bases: Sequence[Bytes]) -> bool:
        return len(bases) >= self.bases and all(len(base) == nbytes for base in bases[: self.bases])


def _encoded(chosen: bytes, item: Item, bases: Sequence[bytes]) -> tuple[int, Bytes]:
    """Return the items that differ as small as they get."""
    best: tuple[int, Bytes] = (RAW, chosen)
    for codec_id in _codecs(item, len(bases)):
        frame = codec(codec_id).encode(chosen, item, bases)
        if frame is not None and len(frame) < len(best[1]):
            best = (codec_id, frame)
    return best


def _codecs(item: Item, bases: int) -> tuple[int, ...]:
    """Return the codecs that what differs may be encoded by, besides raw."""
    if not bases:
        return (BYTE_PLANES, ZSTD)
    if item.kind == "bytes":
        return (ITEM_DELTA,)
    if item.kind not in FLOAT_KINDS:
        return (PLAIN_DELTA, ITEM_DELTA) if item.nbytes > 1 else (PLAIN_DELTA,)
    return (BINNED_DELTA,) if item.kind == "float32" else (GROUPED_DELTA,)


def _items(data: Bytes, item: Item) -> NDArray[Any]:
    """Return unsigned integers [items], or of a width that has none uint8 [items, bytes]."""
    if item.nbytes in (1, 2, 4, 8):
        return np.frombuffer(data, f"<u{item.nbytes}")
    return np.frombuffer(data, np.uint8).reshape(-1, item.nbytes)


def _differing(new: NDArray[Any], olds: Sequence[NDArray[Any]]) -> Marks:
    """Return which items are not those of the base, or where there is none not 0."""
    differing: Marks = new != (olds[0] if olds else 0)
    if new.ndim > 1:
        differing = np.any(differing, axis=1)
    return differing


SPARSE_DELTA = SparseItems(id=19, name="sparse delta", bases=1, most=0.25)
SPARSE_ITEMS = SparseItems(id=20, name="sparse items", bases=0, most=0.75)
