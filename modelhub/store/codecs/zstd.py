"""Codec 1, zstd: the block as one zstd frame."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.files import Bytes
from modelhub.store.codecs import zstd_frame
from modelhub.store.item import Item

LEVEL = 3


@dataclass(frozen=True, slots=True)
class Zstd:
    """Compresses text, code and other plain bytes."""

    id: int = 1
    name: str = "zstd"
    needs_base: bool = False

    def encode(self, block: Bytes, item: Item, base: Bytes | None) -> Bytes | None:
        """Return a frame if it is smaller than the block."""
        frame = zstd_frame.compress(block, LEVEL)
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, base: Bytes | None) -> Bytes:
        """Return the content of the frame."""
        return zstd_frame.decompress(frame, nbytes)


ZSTD = Zstd()
