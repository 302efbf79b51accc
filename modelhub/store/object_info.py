"""What the store tells about an object without giving its content."""

from __future__ import annotations

from msgspec import Struct

from modelhub.store.codecs.registry import BINNED_BY_BASES, GROUPED_BY_BASES, NAMES, PACKED_PLANES, RAW, SEPARATE_PLANES

EFFORTFUL = frozenset(
    NAMES[number] for ids in (*BINNED_BY_BASES, *GROUPED_BY_BASES, (PACKED_PLANES,)) for number in ids
)


class ObjectInfo(Struct, frozen=True):
    """How one object is kept.

    `size` and `stored_nbytes` are in bytes; `bases` are the objects its delta builds on (at most two), `depth` how many
    deltas deep it lies; `codecs` names the codecs of its blocks, sorted; `place` is "loose" or the name of a pack.
    """

    oid: str
    kind: str
    size: int
    stored_nbytes: int
    bases: tuple[str, ...]
    depth: int
    codecs: tuple[str, ...]
    place: str

    @property
    def has_separate_planes(self) -> bool:
        """Whether the planes of all its blocks are separate, or raw where nothing shrinks."""
        return set(self.codecs) <= {NAMES[RAW], NAMES[SEPARATE_PLANES]}

    @property
    def took_effort(self) -> bool:
        """Whether a block of it has a codec that is tried only where it is to be as small as can be."""
        return not EFFORTFUL.isdisjoint(self.codecs)

    @property
    def base(self) -> str | None:
        """The first object that its delta builds on, the one it is nearest to."""
        return self.bases[0] if self.bases else None


class PublishResult(Struct, frozen=True):
    """What one writer made durable: how many objects, in how many bytes on disk, and the pack's name if it made one."""

    objects: int
    stored_nbytes: int
    pack: str | None


class Damage(Struct, frozen=True):
    """One thing that is wrong in the store: `oid` is None where it cannot be told which object is hit."""

    oid: str | None
    place: str
    problem: str
