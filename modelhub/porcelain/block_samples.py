"""A stretch of a tensor and of what it is tried on: encoded to know what all of it would take, decoded to rate that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelhub.porcelain.decoded_blocks import DecodedBlocks
from modelhub.porcelain.stored_tensors import StoredTensor
from modelhub.store.block_encoder import Effort
from modelhub.store.entry import Base, record_nbytes
from modelhub.store.item import Item, Rows
from modelhub.store.trial import BlockTrial, decoding_seconds, try_block

if TYPE_CHECKING:
    from modelhub.files import Bytes

SAMPLE_ELEMENTS = 1 << 16
"""Of a larger tensor a stretch of so many items tells what the whole would take."""


class BlockSample:
    """A stretch of whole rows, `most` items of them, from the midst of a tensor, and the same stretch of its bases.

    Raises IntegrityError where a block of them cannot be read.
    """

    def __init__(self, blocks: DecodedBlocks, one: StoredTensor, most: int = SAMPLE_ELEMENTS) -> None:
        self._blocks = blocks
        self._one = one
        rows = one.row_items if 0 < one.row_items <= most else 1
        per_block = one.item.block_nbytes // one.item.nbytes
        self._nblocks = -(-one.elements // per_block)
        self._index = self._nblocks // 2
        elements = min(per_block, one.elements - self._index * per_block)
        lead = self._index * per_block % rows
        is_part = elements > most
        begin = (rows - lead) % rows if is_part else 0
        self._span = begin, min(elements, begin + most // rows * rows) if is_part else elements
        self._rows = Rows(one.row_items, 0 if is_part else lead)
        self._block = self._cut(blocks.of(one.oid, self._index), one.item)

    def encoded(self, bases: Sequence[StoredTensor], named: Sequence[Base], effort: Effort) -> BlockTrial:
        """Return what the sample takes as this delta, or with fewer bases where that is smaller."""
        return try_block(self._block, self._one.item, self._read(bases, named), self._rows, effort)

    def rate(self, bases: Sequence[StoredTensor], named: Sequence[Base], effort: Effort) -> float:
        """Return the seconds of one thread that decoding takes for a byte, when it is encoded like that."""
        read = self._read(bases, named)
        return decoding_seconds(self._block, self._one.item, read, self._rows, effort) / len(self._block)

    def whole(self, nbytes: int, named: tuple[Base, ...]) -> float:
        """Return the bytes of the tensor's entry on these bases, by those of the sample."""
        return record_nbytes(named, self._nblocks) + nbytes * (self._one.info.size / len(self._block))

    def _read(self, bases: Sequence[StoredTensor], named: Sequence[Base]) -> list[Bytes]:
        """Return the same stretch of the bases, read as they would be."""
        from modelhub.store.foundation import as_kind

        cuts = [
            self._cut(self._blocks.of(base.oid, self._index, rows=how.rows), base.item)
            for base, how in zip(bases, named, strict=True)
        ]
        return [as_kind(cut, base.item, self._one.item) for cut, base in zip(cuts, bases, strict=True)]

    def _cut(self, block: Bytes, item: Item) -> Bytes:
        begin, end = self._span
        return memoryview(block)[begin * item.nbytes : end * item.nbytes]
