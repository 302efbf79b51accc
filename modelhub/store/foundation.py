"""What a delta builds on, opened: one or two objects, each read as it is, converted, or by its transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.files import Bytes
from modelhub.store.entry import Base
from modelhub.store.item import Item

if TYPE_CHECKING:
    from modelhub.store.stored_object import StoredObject

Shared = dict[str, "Bytes | None"]
"""The ids that several deltas of a chain build on, with their block once it is known."""

MAX_TURNED_NBYTES = 1 << 28
"""Larger matrices are no bases by their transpose: it is held in memory whole."""


class OpenBase(Struct, frozen=True):
    """A base with its handle."""

    named: Base
    handle: StoredObject

    def fits(self, size: int, item: Item, block_nbytes: int) -> bool:
        """Tell whether it has as many items as the delta on it (`size` bytes), cut into blocks in the same way."""
        base, theirs = self.handle, self.handle.entry.record.item
        if self.named.rows and (size % (self.named.rows * item.nbytes) or size > MAX_TURNED_NBYTES):
            return False
        if not self.named.is_converted:
            return base.size == size and base.block_nbytes == block_nbytes
        if "bytes" in (item.kind, theirs.kind):
            return False
        same_size = base.size * item.nbytes == size * theirs.nbytes
        return same_size and base.block_nbytes * item.nbytes == block_nbytes * theirs.nbytes

    def block(self, index: int, item: Item, shared: Shared, *, checked: bool = False) -> Bytes:
        """Return one block as the delta, which is made of `item`, sees it; what is built on anew must be `checked`.

        Raises IntegrityError.
        """
        rows = self.named.rows
        if rows:
            block = self.handle.turned_block(rows, index)
        else:
            block = self.handle.block(index, shared) if checked else self.handle.decode(index, shared)
        return as_kind(block, self.handle.entry.record.item, item) if self.named.is_converted else block


def as_kind(block: Bytes, old: Item, new: Item) -> Bytes:
    """Return a block of floats as floats of another kind; of the same kind as it is. Raises IntegrityError."""
    if old == new:
        return block
    from modelhub.store.codecs.conversion import converted

    return converted(block, old.kind, new.kind)


def built_on_twice(bases: Sequence[OpenBase]) -> frozenset[str]:
    """Return the objects of the chains below that more than one delta builds on; opens all of them, each once.

    So whatever is decoded first, decoding opens nothing: threads that encode must not come back to the writer.
    """
    twice: set[str] = set()
    seen: dict[str, StoredObject] = {}
    waiting = list(bases)
    while waiting:
        base = waiting.pop()
        known = seen.setdefault(base.handle.oid, base.handle)
        if known is not base.handle:
            twice.add(known.oid)
            base.handle.foundation = known.foundation
        else:
            waiting += known.foundation
    return frozenset(twice)
