"""The high-order bytes of numbers: read alone where a block keeps its planes apart, else with the rest of the block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.store.codecs.registry import SAME, SEPARATE_PLANES

if TYPE_CHECKING:
    from modelhub.files import Bytes
    from modelhub.store.stored_object import StoredObject


class Top(Struct, frozen=True):
    """Of numbers of `width` bytes the `nbytes` high-order ones, at least 1."""

    nbytes: int
    width: int


def top_block(one: StoredObject, top: Top, index: int) -> Bytes:
    """Return a block in which at least the high-order bytes are right; those below may be zero instead.

    Reads no more than those planes where the block keeps them apart, and verifies what it reads. A block that equals
    its base's is read from there. Raises IntegrityError.
    """
    record = one.entry.record
    frame, item = record.frames[index], record.item
    if item.nbytes != top.width or top.nbytes >= top.width:
        return one.block(index)
    if frame.codec == SAME and record.bases and record.bases[0].is_plain:
        base = one.foundation[0].handle
        if base.entry.record.frames[index].block_check == frame.block_check:
            return top_block(base, top, index)
    if frame.codec != SEPARATE_PLANES:
        return one.block(index)
    from modelhub.store.codecs.separate_planes import decode_top

    read, nbytes = partial(one.entry.part, index), record.block_size(index)
    try:
        return decode_top(read, frame.nbytes, nbytes, item, top=top.nbytes, block_check=frame.block_check)
    except IntegrityError as error:
        raise one.entry.damaged(f"block {index}: {error}") from None
