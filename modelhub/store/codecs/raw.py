"""Codec 0, raw: the block as it is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.item import NO_ROWS, Item, Rows


class Raw(Struct, frozen=True):
    """Stores the bytes unchanged; always possible."""

    id: int = 0
    name: str = "raw"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes:
        """Return the block."""
        return block

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the frame, which must have the length of the block."""
        if len(frame) != nbytes:
            raise IntegrityError(f"a raw block has {len(frame)} bytes instead of {nbytes}")
        return frame


RAW = Raw()
