"""Codec 4, same: the block equals the base's block, so nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import same_bytes
from modelhub.store.item import NO_ROWS, Item, Rows


class Same(Struct, frozen=True):
    """Stores an empty frame for a block that did not change."""

    id: int = 4
    name: str = "same"
    bases: int = 1

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the empty frame if the block equals the base's."""
        return b"" if bases and same_bytes(memoryview(block), memoryview(bases[0])) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the base's block."""
        if not bases or len(bases[0]) != nbytes or len(frame):
            raise IntegrityError("a block that should equal its base does not fit it")
        return bases[0]


SAME = Same()
