"""Encode an object in another way, on the spot and for nothing: to know what it would take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from modelhub.files import Bytes
from modelhub.store.block_encoder import Effort, encode_block
from modelhub.store.codecs.registry import codec, codec_names
from modelhub.store.entry import record_nbytes
from modelhub.store.foundation import OpenBase
from modelhub.store.item import Item, Rows
from modelhub.store.stored_object import StoredObject

DECODED = 5
"""How often a block is decoded to say how long that takes."""


def trial_nbytes(
    one: StoredObject, item: Item, bases: Sequence[OpenBase], *, row_items: int = 0, effort: Effort = "fast"
) -> int | None:
    """Return the bytes of the entry that would hold this object as a delta of these bases, or of fewer.

    Writes nothing. Where no block gains by a base that is the entry without one; None where one does not fit. Cost:
    decodes all of them, and encodes and verifies every block, as recording does. Raises IntegrityError where one of
    them is damaged.
    """
    if not all(base.fits(one.size, item, one.block_nbytes) for base in bases):
        return None
    payload = used = 0
    for index in range(one.nblocks):
        blocks = [base.block(index, item, {}, checked=True) for base in bases]
        lead = index * one.block_nbytes // item.nbytes % row_items if row_items else 0
        encoded = encode_block(one.block(index), item, blocks, Rows(row_items, lead), effort=effort)
        payload += encoded.frame.nbytes
        used = max(used, encoded.bases_used)
    return payload + record_nbytes(tuple(base.named for base in bases[:used]), one.nblocks)


@dataclass(frozen=True, slots=True)
class BlockTrial:
    """What one block takes: bytes of its frame, bases it needs, codec."""

    nbytes: int
    bases_used: int
    codec: str


def try_block(block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows, effort: Effort) -> BlockTrial:
    """Encode a block, or any stretch of whole items. Writes nothing."""
    encoded = encode_block(block, item, bases, rows, effort=effort)
    return BlockTrial(encoded.frame.nbytes, encoded.bases_used, codec_names({encoded.frame.codec})[0])


def decoding_seconds(block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows, effort: Effort) -> float:
    """Return the processor time that decoding a block takes which is encoded as `try_block` does: the best of some.

    So it is much the same whatever else the machine does.
    """
    encoded = encode_block(block, item, bases, rows, effort=effort)
    how = codec(encoded.frame.codec)
    views = [memoryview(base) for base in bases]

    def decoded() -> float:
        started = time.thread_time()
        how.decode(encoded.data, len(block), item, views)
        return time.thread_time() - started

    return min(decoded() for _ in range(DECODED))
