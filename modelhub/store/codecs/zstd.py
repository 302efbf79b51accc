"""Codec 1, zstd: the block as one zstd frame."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelhub.files import Bytes
from modelhub.store.codecs import zstd_frame
from modelhub.store.item import NO_ROWS, Item, Rows

LEVEL = 3


class Zstd(Struct, frozen=True):
    """Compresses text, code and other plain bytes."""

    id: int = 1
    name: str = "zstd"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return a frame if it is smaller than the block."""
        frame = zstd_frame.compress(block, LEVEL)
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the content of the frame."""
        return zstd_frame.decompress(frame, nbytes)


ZSTD = Zstd()
