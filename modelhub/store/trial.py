"""Encode an object in another way, on the spot and for nothing: to know what it would take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from modelhub.files import Bytes
from modelhub.store.block_encoder import Effort, encode_block
from modelhub.store.codecs.registry import codec, codec_names
from modelhub.store.entry import Base, Frame, Record, encode_record
from modelhub.store.item import Item, Rows
from modelhub.store.stored_object import StoredObject


def trial_nbytes(one: StoredObject, item: Item, base: StoredObject | None) -> int:
    """Return the bytes of the entry that would hold this object as a delta of `base`, or without one.

    Writes nothing. Where no block gains by the base that is the entry without one. Cost: decodes both objects, and
    encodes and verifies every block, as recording does. Raises IntegrityError where one of them is damaged.
    """
    frames: list[Frame] = []
    used = 0
    for index in range(one.nblocks):
        encoded = encode_block(one.block(index), item, [] if base is None else [base.block(index)])
        frames.append(encoded.frame)
        used = max(used, encoded.bases_used)
    record = Record(
        oid=one.oid,
        kind=one.kind,
        item=item,
        size=one.size,
        block_nbytes=one.block_nbytes,
        bases=(Base(base.oid),) if base is not None and used else (),
        depth=0,
        frames=tuple(frames),
    )
    return record.payload_nbytes + len(encode_record(record))


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
