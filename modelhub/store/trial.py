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
    """What one block takes as small as can be: bytes of its frame, bases it needs, codec, seconds to decode it."""

    nbytes: int
    bases_used: int
    codec: str
    seconds: float


def try_block(block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows, effort: Effort = "small") -> BlockTrial:
    """Encode a block, or any stretch of whole items, with effort, and time its decoding. Writes nothing."""
    encoded = encode_block(block, item, bases, rows, effort=effort)
    how = codec(encoded.frame.codec)
    started = time.perf_counter()
    how.decode(encoded.data, len(block), item, [memoryview(base) for base in bases])
    seconds = time.perf_counter() - started
    return BlockTrial(encoded.frame.nbytes, encoded.bases_used, codec_names({how.id})[0], seconds)
