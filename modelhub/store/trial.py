"""Encode an object in another way, on the spot and for nothing: to know what it would take."""

from __future__ import annotations

from modelhub.store.block_encoder import encode_block
from modelhub.store.entry import Frame, Record, encode_record
from modelhub.store.item import Item
from modelhub.store.stored_object import StoredObject


def trial_nbytes(one: StoredObject, item: Item, base: StoredObject | None) -> int:
    """Return the bytes of the entry that would hold this object as a delta of `base`, or without one.

    Writes nothing. Where no block gains by the base that is the entry without one. Cost: decodes both objects, and
    encodes and verifies every block, as recording does. Raises IntegrityError where one of them is damaged.
    """
    frames: list[Frame] = []
    uses_base = False
    for index in range(one.nblocks):
        encoded = encode_block(one.block(index), item, None if base is None else base.block(index))
        frames.append(encoded.frame)
        uses_base |= encoded.uses_base
    record = Record(
        oid=one.oid,
        kind=one.kind,
        item=item,
        size=one.size,
        block_nbytes=one.block_nbytes,
        base=base.oid if base is not None and uses_base else None,
        depth=0,
        frames=tuple(frames),
    )
    return record.payload_nbytes + len(encode_record(record))
