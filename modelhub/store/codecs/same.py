"""Codec 4, same: the block equals the base's block, so nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import same_bytes
from modelhub.store.item import Item


@dataclass(frozen=True, slots=True)
class Same:
    """Stores an empty frame for a block that did not change."""

    id: int = 4
    name: str = "same"
    needs_base: bool = True

    def encode(self, block: Bytes, item: Item, base: Bytes | None) -> Bytes | None:
        """Return the empty frame if the block equals the base's."""
        return b"" if base is not None and same_bytes(memoryview(block), memoryview(base)) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, base: Bytes | None) -> Bytes:
        """Return the base's block."""
        if base is None or len(base) != nbytes or len(frame):
            raise IntegrityError("a block that should equal its base does not fit it")
        return base


SAME = Same()
