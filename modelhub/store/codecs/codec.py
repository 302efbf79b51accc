"""The contract of a codec: a reversible step from one block of bytes to the frame that is stored for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from modelhub.files import Bytes
from modelhub.store.item import NO_ROWS, Item, Rows


class Codec(Protocol):
    """One way to store a block. Codecs keep no state between calls and may be called from many threads at once.

    `id` is the byte on disk and never changes its meaning; `bases` says of how many base objects the same block is
    needed to decode. The ids and layouts are in docs/reference/format/codecs.md.
    """

    @property
    def id(self) -> int:
        """The number of the codec on disk."""

    @property
    def name(self) -> str:
        """The name shown to people."""

    @property
    def bases(self) -> int:
        """The number of bases, 0 to 2, whose blocks `encode` and `decode` must be given, of the same length each."""

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the frame for a block, or None where this codec cannot hold it or it would not shrink.

        `rows` is a hint: what the frame needs of it, the frame holds.
        """

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the block of exactly `nbytes` bytes. Raises IntegrityError for a frame that cannot be one."""
