"""The contract of a codec: a reversible step from one block of bytes to the frame that is stored for it."""

from __future__ import annotations

from typing import Protocol

from modelhub.files import Bytes
from modelhub.store.item import Item


class Codec(Protocol):
    """One way to store a block. Codecs keep no state between calls and may be called from many threads at once.

    `id` is the byte on disk and never changes its meaning; `needs_base` says that the same block of a base object is
    needed to decode. The ids and layouts are in docs/reference/format/codecs.md.
    """

    @property
    def id(self) -> int:
        """The number of the codec on disk."""

    @property
    def name(self) -> str:
        """The name shown to people."""

    @property
    def needs_base(self) -> bool:
        """Whether `encode` and `decode` must be given the block of a base, of the same length."""

    def encode(self, block: Bytes, item: Item, base: Bytes | None) -> Bytes | None:
        """Return the frame for a block, or None where this codec cannot hold it or it would not shrink."""

    def decode(self, frame: Bytes, nbytes: int, item: Item, base: Bytes | None) -> Bytes:
        """Return the block of exactly `nbytes` bytes. Raises IntegrityError for a frame that cannot be one."""
