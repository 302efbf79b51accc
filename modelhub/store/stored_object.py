"""One object of the store, opened: its blocks are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from modelhub.errors import IntegrityError, InvalidInputError, ObjectNotFound
from modelhub.files import Bytes
from modelhub.oid import Kind, hasher
from modelhub.store.codecs.registry import CHECKED_FIRST, codec, codec_names
from modelhub.store.entry import DAMAGE_HINT, Base, Entry, check_of
from modelhub.store.foundation import OpenBase, Shared, built_on_twice
from modelhub.store.object_info import ObjectInfo

if TYPE_CHECKING:
    from modelhub.store.top_bytes import Top
    from modelhub.store.workers import Workers

MAX_READ_DEPTH = 50
"""The longest chain of deltas a reader follows; writers stop much earlier."""

Opener = Callable[[str, tuple[str, ...]], "StoredObject"]


class StoredObject:
    """A handle on one object: `size` and `block_nbytes` in bytes. Reading takes no lock; any thread may do it."""

    __slots__ = ("_bases", "_entry", "_opener", "_trail", "_turned", "_twice", "_workers")

    def __init__(self, entry: Entry, opener: Opener, workers: Workers, trail: tuple[str, ...] = ()) -> None:
        self._entry = entry
        self._opener = opener
        self._workers = workers
        self._trail = trail
        self._bases: tuple[OpenBase, ...] | None = None
        self._turned: Bytes | None = None
        self._twice: frozenset[str] | None = None

    @property
    def oid(self) -> str:
        """The id of the object."""
        return self._entry.record.oid

    @property
    def kind(self) -> str:
        """The kind of the object: blob, manifest, tree, commit, operation."""
        return self._entry.record.kind

    @property
    def size(self) -> int:
        """The bytes of the object's content."""
        return self._entry.record.size

    @property
    def block_nbytes(self) -> int:
        """The bytes of every block but the last, which may be shorter."""
        return self._entry.record.block_nbytes

    @property
    def nblocks(self) -> int:
        """The number of blocks."""
        return len(self._entry.record.frames)

    @property
    def info(self) -> ObjectInfo:
        """How the object is kept."""
        record = self._entry.record
        return ObjectInfo(
            oid=record.oid,
            kind=record.kind,
            size=record.size,
            stored_nbytes=self._entry.stored_nbytes,
            bases=tuple(base.oid for base in record.bases),
            depth=record.depth,
            codecs=codec_names({frame.codec for frame in record.frames}),
            place=self._entry.source.name,
        )

    def block(self, index: int, shared: Shared | None = None) -> Bytes:
        """Return one decoded block, verified by its own check. Raises IntegrityError, which names what is damaged."""
        if not 0 <= index < self.nblocks:
            raise InvalidInputError(f"object {self.oid} has no block {index}")
        try:
            data = self.decode(index, self._shared() if shared is None else shared)
            if check_of(data) != self._entry.record.frames[index].block_check:
                raise self._damaged(f"block {index} does not match its checksum after decoding")
        except IntegrityError:
            self._check_frames(index)
            raise
        return data

    def blocks(self) -> Iterator[Bytes]:
        """Yield all blocks in order, decoded ahead on the store's threads."""
        if self.nblocks <= 1:
            return iter([self.block(0)] if self.nblocks else [])
        return self._workers.map(self.block, range(self.nblocks), weigh=lambda _: self.block_nbytes)

    def read(self, offset: int, nbytes: int, top: Top | None = None) -> bytes:
        """Return a slice of the content, decoding only the blocks it lies in, each verified by its own check.

        With `top` only the high-order bytes of its numbers are sure to be right, the others may be zero: where planes
        are kept apart the others are not read. Raises InvalidInputError outside the content, IntegrityError.
        """
        if top is None:
            return self._slice(offset, nbytes, self.block)
        from modelhub.store.top_bytes import top_block

        return self._slice(offset, nbytes, partial(top_block, self, top))

    def _slice(self, offset: int, nbytes: int, block: Callable[[int], Bytes]) -> bytes:
        """Put a slice together from blocks; several are made ahead on the store's threads."""
        if offset < 0 or nbytes < 0 or offset + nbytes > self.size:
            raise InvalidInputError(f"bytes {offset} to {offset + nbytes} lie outside object {self.oid}")
        if not nbytes:
            return b""
        numbers = range(offset // self.block_nbytes, (offset + nbytes - 1) // self.block_nbytes + 1)
        blocks: Iterator[Bytes] = map(block, numbers)
        if len(numbers) > 1:
            blocks = self._workers.map(block, numbers, weigh=lambda _: self.block_nbytes)
        starts = (number * self.block_nbytes for number in numbers)
        return b"".join(
            memoryview(data)[max(offset - start, 0) : offset + nbytes - start]
            for start, data in zip(starts, blocks, strict=True)
        )

    def stored_frames(self) -> Iterator[Bytes]:
        """Yield the stored bytes of all blocks, checked; for copying an entry as it is. Raises IntegrityError."""
        return (self._entry.frame(index) for index in range(self.nblocks))

    @property
    def entry(self) -> Entry:
        """The entry on disk, for the rest of the store."""
        return self._entry

    @property
    def foundation(self) -> tuple[OpenBase, ...]:
        """What this one builds on, opened at the first call. Raises as reading it does."""
        if self._bases is None:
            self._bases = tuple(map(self._open_base, self._entry.record.bases))
        return self._bases

    @foundation.setter
    def foundation(self, opened: tuple[OpenBase, ...]) -> None:
        """Build on what another handle on the same object has opened."""
        self._bases = opened

    def decode(self, index: int, shared: Shared) -> Bytes:
        """Return one block as its codec gives it, unchecked; for the deltas on it."""
        if (known := shared.get(self.oid)) is not None:
            return known
        record = self._entry.record
        how = codec(record.frames[index].codec)
        if how.bases > len(record.bases):
            raise self._damaged(f"block {index} needs a base that is not named")
        bases = self.foundation[: how.bases] if how.bases else ()
        blocks = [base.block(index, record.item, shared) for base in bases]
        is_checked = record.frames[index].codec in CHECKED_FIRST
        frame = self._entry.frame(index) if is_checked else self._entry.unchecked_frame(index)
        try:
            data = how.decode(frame, record.block_size(index), record.item, blocks)
        except IntegrityError as error:
            raise self._damaged(f"block {index}: {error}") from None
        if self.oid in shared:
            shared[self.oid] = data
        return data

    def turned_block(self, rows: int, index: int) -> Bytes:
        """Return a block of the transpose of a matrix. The transpose is made once and kept with the handle."""
        if self._turned is None:
            from modelhub.store.codecs.conversion import transposed

            whole = b"".join(self.block(number) for number in range(self.nblocks))
            self._turned = transposed(whole, rows, self._entry.record.item.nbytes)
        return memoryview(self._turned)[index * self.block_nbytes : (index + 1) * self.block_nbytes]

    def _check_frames(self, index: int) -> None:
        """Check what is stored of a block and, before it, of all it builds on. Raises IntegrityError for the lowest."""
        for base in self.foundation[: codec(self._entry.record.frames[index].codec).bases]:
            for number in range(base.handle.nblocks) if base.named.rows else (index,):
                base.handle._check_frames(number)
        self._entry.frame(index)

    def _shared(self) -> Shared:
        if self._twice is None:
            self._twice = built_on_twice(self.foundation)
        return dict.fromkeys(self._twice)

    def _open_base(self, named: Base) -> OpenBase:
        trail = (*self._trail, self.oid)
        if named.oid in trail:
            raise self._damaged("its chain of deltas comes back to itself")
        if len(trail) > MAX_READ_DEPTH:
            raise self._damaged(f"its chain of deltas is longer than {MAX_READ_DEPTH}")
        try:
            base = OpenBase(named, self._opener(named.oid, trail))
        except ObjectNotFound:
            raise self._damaged(f"it builds on object {named.oid}, which is missing") from None
        if not base.fits(self.size, self._entry.record.item, self.block_nbytes):
            raise self._damaged(f"it builds on object {named.oid}, which has another size")
        return base

    def _damaged(self, problem: str) -> IntegrityError:
        return self._entry.damaged(problem)


def read_whole(found: StoredObject, kind: Kind, *, limit: int | None) -> bytes:
    """Return an object's whole content, verified against its id and kind; as `ObjectStore.read`."""
    if limit is not None and found.size > limit:
        raise InvalidInputError(f"object {found.oid} has {found.size} bytes, more than the {limit} allowed here")
    if found.kind != kind:
        raise IntegrityError(f"object {found.oid} is a {found.kind}, not a {kind}")
    data = b"".join(found.blocks())
    digest = hasher(kind)
    digest.update(data)
    if digest.hexdigest() != found.oid:
        raise IntegrityError(
            f"object {found.oid} in {found.info.place} is damaged: its content has another id", hint=DAMAGE_HINT
        )
    return data
