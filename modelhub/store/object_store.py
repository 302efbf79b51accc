"""The object store: every object of a repository under its id, loose or in packs, checked when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path

from modelhub.errors import ObjectNotFound
from modelhub.files import Bytes, make_folders
from modelhub.oid import Kind, is_prefix
from modelhub.progress import SILENT, Progress
from modelhub.store import check, prune
from modelhub.store.block_encoder import Effort
from modelhub.store.entry import Entry
from modelhub.store.loose import LooseObjects
from modelhub.store.object_info import Damage, ObjectInfo, PublishResult
from modelhub.store.object_writer import ObjectWriter
from modelhub.store.packs import Packs
from modelhub.store.stored_object import Opener, StoredObject, read_whole
from modelhub.store.workers import Workers


class ObjectStore:
    """The objects under one folder. Opening it touches nothing; readers take no lock and never block.

    `scratch` is a folder on the same file system for files under construction. Writing (`writer`, `delete`,
    `consolidate`) is for the holder of the repository's writer lock. Handles may be used from many threads.
    `absent` may know a better error for an object whose content is asked for and that is not there.
    """

    def __init__(
        self,
        folder: Path,
        scratch: Path,
        *,
        workers: int = 2,
        absent: Callable[[str], ObjectNotFound | None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.scratch = scratch
        self.workers = Workers(workers)
        self.loose = LooseObjects(folder / "loose")
        self.packs = Packs(folder / "packs")
        self._absent = absent

    @classmethod
    def create(cls, folder: Path) -> None:
        """Make the folders of a store, durably."""
        make_folders(folder / "loose")
        make_folders(folder / "packs")

    def contains(self, oid: str) -> bool:
        """Tell whether the store has an object. Its bytes are not checked."""
        return self.loose.contains(oid) or self.packs.contains(oid)

    def info(self, oid: str) -> ObjectInfo:
        """Return how an object is kept. Raises ObjectNotFound, IntegrityError."""
        return self.open_below(oid, ()).info

    def find(self, prefix: str) -> list[str]:
        """Return the ids that begin with these hex digits (at least four), sorted."""
        if not is_prefix(prefix):
            return []
        self.packs.refresh()
        return sorted({*self.loose.ids(prefix), *self.packs.starting_with(prefix)})

    def ids(self) -> Iterator[str]:
        """Yield the id of every object once, in no particular order."""
        self.packs.refresh()
        packed = set(self.packs.ids())
        yield from packed
        yield from (oid for oid in self.loose.ids() if oid not in packed)

    def open(self, oid: str) -> StoredObject:
        """Return a handle on an object. Raises ObjectNotFound, IntegrityError, FormatError."""
        try:
            return self.open_below(oid, ())
        except ObjectNotFound as error:
            raise self._absent(oid) or error from None

    def read(self, oid: str, kind: Kind = "blob", *, limit: int | None = None) -> bytes:
        """Return an object's content, verified against its id and kind.

        Raises ObjectNotFound, IntegrityError, and InvalidInputError for an object of more than `limit` bytes.
        """
        return read_whole(self.open(oid), kind, limit=limit)

    def blocks(self, oids: Iterable[str]) -> Iterator[Bytes]:
        """Yield the content of these objects one after the other, block by block, decoded ahead on threads.

        The fastest way to put a file together; every block is verified by its own check. Raises as `open` and
        `StoredObject.block` do.
        """
        jobs = ((one, index) for one in map(self.open, oids) for index in range(one.nblocks))
        return self.workers.map(_block, jobs, weigh=_weight)

    def refresh(self) -> None:
        """See packs that were published or removed since; done by itself when an object is not found."""
        self.packs.refresh()

    def writer(self, *, replacing: Set[str] = frozenset(), effort: Effort = "fast") -> ObjectWriter:
        """Return a writer for new objects, to be used as a context manager.

        `replacing` are objects that it takes as not there: the caller deletes the old ones before it publishes.
        """
        return ObjectWriter(self, replacing, effort)

    def check(self, full: bool = False, progress: Progress = SILENT) -> Iterator[Damage]:
        """Yield everything that is wrong with the stored bytes; `full` decodes and hashes every object as well.

        Damage is reported, never raised.
        """
        return check.check_store(self, full, progress)

    def delete(self, oids: set[str], progress: Progress = SILENT) -> int:
        """Remove objects and return the bytes freed. No object that stays may build on one that goes."""
        return prune.delete(self, oids, progress)

    def consolidate(self, progress: Progress = SILENT) -> PublishResult:
        """Gather loose objects and small packs into one pack, entries copied as they are."""
        return prune.consolidate(self, progress)

    def close(self) -> None:
        """Stop the threads and let go of open files."""
        self.workers.close()
        self.packs.let_go()

    def open_below(self, oid: str, trail: tuple[str, ...], opener: Opener | None = None) -> StoredObject:
        """Open an object that the objects in `trail` build on; for the rest of the store.

        What it builds on itself comes from `opener`, else from here.
        """
        entry = self.packs.entry(oid) or self._entry(oid)
        if entry is None:
            raise ObjectNotFound(f"the store has no object {oid}", hint="'mh fsck' tells whether something is missing")
        return StoredObject(entry, opener or self.open_below, self.workers, trail)

    def _entry(self, oid: str) -> Entry | None:
        """Look in loose objects, known packs, and once more after a rescan."""
        found = self.loose.entry(oid) or self.packs.entry(oid)
        if found is None:
            self.packs.refresh()
            found = self.packs.entry(oid)
        return found or self.loose.entry(oid)


def _block(job: tuple[StoredObject, int]) -> Bytes:
    return job[0].block(job[1])


def _weight(job: tuple[StoredObject, int]) -> int:
    return min(job[0].block_nbytes, job[0].size)
