"""Encode an object in another way, on the spot and for nothing: to know what it would take."""

from __future__ import annotations

from modelhub.store.block_encoder import encode_block
from modelhub.store.entry import Base, Frame, Record, encode_record
from modelhub.store.item import Item
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
