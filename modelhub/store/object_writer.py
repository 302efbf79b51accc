"""Add objects to a store: they are encoded into one pack under construction and become durable together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from modelhub.errors import InternalError, ModelHubError, ObjectNotFound, StateError
from modelhub.files import Bytes
from modelhub.oid import Kind, hasher, oid_of
from modelhub.store.block_encoder import Effort
from modelhub.store.encode_queue import EncodeQueue, PendingObject, changed
from modelhub.store.entry import Base, Entry
from modelhub.store.foundation import OpenBase, built_on_twice
from modelhub.store.item import BYTES, Item
from modelhub.store.object_info import ObjectInfo, PublishResult
from modelhub.store.pack.writer import PackWriter
from modelhub.store.stored_object import StoredObject, read_whole

if TYPE_CHECKING:
    from modelhub.store.object_store import ObjectStore

MAX_DEPTH = 12
"""The longest chain of deltas that is written."""

LOOSE_OBJECTS = 8
LOOSE_NBYTES = 1 << 20
"""Up to this many objects in up to this many bytes are published loose; more become a pack."""


class ObjectWriter:
    """Collects new objects; `publish` makes all of them durable, leaving the context without it drops them all.

    Takes no lock itself: it is for the holder of the writer lock, and looks for packs of others only when entered.

    Used from one thread. After an error the writer is good for nothing but to be left.
    """

    def __init__(self, store: ObjectStore, replacing: Set[str] = frozenset(), effort: Effort = "fast") -> None:
        self._store = store
        self._effort = effort
        self._replacing = replacing
        self._packs: list[PackWriter] = []
        self._temporary = ExitStack()
        self._queue: EncodeQueue | None = None
        self._added: dict[str, None] = {}
        self._broken = False
        self._published = False

    def contains(self, oid: str) -> bool:
        """Tell whether the store has an object, or this writer is about to add it."""
        if oid in self._added or oid in self._replacing:
            return oid in self._added
        return self._store.loose.contains(oid) or self._store.packs.holds(oid)

    def added(self, oid: str) -> bool:
        """Tell whether this writer adds the object."""
        return oid in self._added

    def info(self, oid: str) -> ObjectInfo:
        """Return how an object is kept, added here or before; waits for what is still being encoded."""
        return self.open(oid).info

    def read(self, oid: str, kind: Kind = "blob", *, limit: int | None = None) -> bytes:
        """Return an object's content, added here or before; as `ObjectStore.read`."""
        return read_whole(self.open(oid), kind, limit=limit)

    def open(self, oid: str) -> StoredObject:
        """Return a handle on an object, added here or before. Raises ObjectNotFound, IntegrityError."""
        return self._open(oid, ())

    def put(self, data: Bytes, kind: Kind = "blob", *, item: Item | None = None) -> str:
        """Add an object from its content and return its id; does nothing where it is there already."""
        oid = oid_of(data, kind)
        if not self.contains(oid):
            view = memoryview(data)
            self._add(
                PendingObject(oid, kind, len(view), item or BYTES, effort=self._effort),
                lambda offset, nbytes: view[offset : offset + nbytes],
            )
        return oid

    def put_stream(
        self,
        oid: str,
        size: int,
        read: Callable[[int, int], Bytes],
        *,
        item: Item,
        row_items: int = 0,
        bases: Iterable[Sequence[Base]] = (),
        effort: Effort | None = None,
        is_held: bool = False,
    ) -> bool:
        """Add a blob whose id is known from `read(offset, nbytes)`; tell whether it was new.

        `read` is called within this call only, block after block; encoding goes on behind it, so its errors may come up
        at a later call. `row_items` are the items in a row of a matrix. `bases` are what to try as the base of a delta,
        or as its two, best first: the first of them that exist, fit and are not too deep. `effort` is the writer's
        unless said. With `is_held` the id was taken from the very bytes that `read` gives, in memory that nobody
        changes. Else they are hashed again: raises IntegrityError if what was read does not have this id.
        """
        if self.contains(oid):
            return False
        found, shared_ids = self._usable_bases(oid, size, item, bases)
        pending = PendingObject(oid, "blob", size, item, row_items, found, shared_ids, effort or self._effort, is_held)
        self._add(pending, read)
        return True

    def begin_part(self) -> None:
        """Keep what is added from here on in a pack of its own, which `publish_parts` publishes after those before."""
        if self._queue is not None:
            self._guarded(self._queue.flush)
            self._queue = None

    def nbytes_as_packs(self) -> int:
        """Return the bytes on disk that all that was added takes as packs with their indexes, one for each part."""
        if self._queue is not None:
            self._guarded(self._queue.flush)
        return sum(pack.published_nbytes for pack in self._packs)

    def publish(self, *, as_pack: bool = False) -> PublishResult:
        """Make everything durable and visible: few small objects loose, more as one pack with its index. Once only.

        `as_pack` makes a pack in any case. For a writer without parts.
        """
        if len(self._packs) > 1:
            raise InternalError("what was added in parts is published in parts")
        self._finish()
        result = self._publish_pack(self._packs[0], as_pack=as_pack) if self._packs else PublishResult(0, 0, None)
        self._store.packs.keep_indexes(self._store.scratch)
        return result

    def publish_parts(self) -> Iterator[PublishResult]:
        """Make one part after the other durable and visible, each as one pack once the caller asks for the next one.

        Where the caller stops, or dies, the parts that it did not come to are not there. Once only.
        """
        self._finish()
        for pack in self._packs:
            result = self._publish_pack(pack, as_pack=True)
            self._store.packs.keep_indexes(self._store.scratch)
            yield result

    def __enter__(self) -> ObjectWriter:
        self._store.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._temporary.__exit__(kind, error, trace)
        self._packs.clear()

    def _finish(self) -> None:
        """Bring all that was added into the packs; no more can be added."""
        if self._broken or self._published:
            raise InternalError("this writer has failed or was published already")
        self._published = True
        if self._queue is not None:
            self._guarded(self._queue.flush)

    def _publish_pack(self, pack: PackWriter, *, as_pack: bool) -> PublishResult:
        count = len(pack)
        if not as_pack and count <= LOOSE_OBJECTS and pack.size <= LOOSE_NBYTES:
            return PublishResult(
                count, sum(self._store.loose.write(entry, self._store.scratch) for entry in pack.entries()), None
            )
        name, nbytes = pack.publish(self._store.packs.folder)
        self._store.packs.add(name)
        return PublishResult(count, nbytes, name)

    def _add(self, pending: PendingObject, read: Callable[[int, int], Bytes]) -> None:
        if self._broken or self._published:
            raise StateError("this writer has failed or was published already")
        self._guarded(lambda: self._read_in(pending, read))
        self._added[pending.oid] = None

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do work that may leave half an entry in the pack."""
        self._broken = True
        work()
        self._broken = False

    def _read_in(self, pending: PendingObject, read: Callable[[int, int], Bytes]) -> None:
        queue = self._start()
        digest = hasher(pending.kind)  # type: ignore[arg-type]
        step = pending.item.block_nbytes
        for index, offset in enumerate(range(0, pending.size, step)):
            block = read(offset, min(step, pending.size - offset))
            if len(block) != min(step, pending.size - offset):
                raise changed(pending.oid)
            if pending.is_to_hash:
                digest.update(block)
            queue.add_block(pending, index, block)
        if pending.is_to_hash and digest.hexdigest() != pending.oid:
            raise changed(pending.oid)
        queue.end(pending)

    def _start(self) -> EncodeQueue:
        if self._queue is None:
            self._packs.append(self._temporary.enter_context(PackWriter(self._store.scratch)))
            self._queue = EncodeQueue(self._packs[-1], self._store.workers)
        return self._queue

    def _usable_bases(
        self, oid: str, size: int, item: Item, candidates: Iterable[Sequence[Base]]
    ) -> tuple[tuple[OpenBase, ...], frozenset[str]]:
        """Return the bases to use, and what is shared below them; their whole chains are open then.

        The threads that encode against them must not come back to the writer.
        """
        for candidate in candidates:
            try:
                bases = tuple(OpenBase(named, self.open(named.oid)) for named in candidate if named.oid != oid)
                if len(bases) == len(candidate) and all(_is_usable(base, size, item) for base in bases):
                    return bases, built_on_twice(bases)
            except ModelHubError:
                continue
        return (), frozenset()

    def _open(self, oid: str, trail: tuple[str, ...]) -> StoredObject:
        """Open an object, waiting for its encoding where need be: only for the thread that writes."""
        if oid in self._added and self._packs and not self._published:
            entry = self._written(oid)
            if entry is None and self._queue is not None:
                self._guarded(self._queue.flush)
                entry = self._written(oid)
            if entry is None:
                raise ObjectNotFound(f"object {oid} was not written")
            return StoredObject(entry, self._open, self._store.workers, trail)
        return self._store.open_below(oid, trail, self._open if self._replacing else None)

    def _written(self, oid: str) -> Entry | None:
        found = (pack.entry(oid) for pack in reversed(self._packs))
        return next((entry for entry in found if entry is not None), None)


def _is_usable(base: OpenBase, size: int, item: Item) -> bool:
    return base.handle.entry.record.depth < MAX_DEPTH and base.fits(size, item, item.block_nbytes)
