"""Remove objects from a store and gather small files into one pack; entries are copied as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import TYPE_CHECKING

from modelhub.errors import ModelHubError
from modelhub.files import sync_folder
from modelhub.progress import SILENT, Progress
from modelhub.store.entry import Entry, read_entry
from modelhub.store.object_info import PublishResult
from modelhub.store.pack.index import ROW_NBYTES
from modelhub.store.pack.layout import FOOTER_ROW
from modelhub.store.pack.reader import PackReader
from modelhub.store.pack.writer import PackWriter, drop_pack, verify_frames

if TYPE_CHECKING:
    from modelhub.store.object_store import ObjectStore

SMALL_PACK_NBYTES = 1 << 26
"""Packs below this size are gathered; bigger ones are left as they are."""


def delete(store: ObjectStore, oids: set[str], progress: Progress) -> int:
    """Remove objects wherever they lie; return the bytes freed.

    A pack that also holds others is written anew without them, made durable, and only then removed. Raises
    IntegrityError and leaves the pack where what stays in it is damaged.
    """
    store.refresh()
    keys = {bytes.fromhex(oid) for oid in oids}
    packs = [reader for reader in store.packs if any(row.oid in keys for row in reader.index.rows())]
    progress.start("removing objects", len(packs) + len(oids), "steps")
    freed = 0
    for reader in packs:
        freed += _rewrite(store, reader, keys)[1]
        progress.advance(1)
    for oid in oids:
        freed += store.loose.delete(oid)
        progress.advance(1)
    store.refresh()
    store.packs.keep_indexes(store.scratch)
    return freed


def settle(store: ObjectStore, progress: Progress = SILENT, *, prefer: str | None = None) -> int:
    """Leave one copy of each object that an interrupted repack left in several places; return the bytes freed.

    Of the copies that in the pack `prefer` stays, else the smallest. All that any copy builds on must still be there.
    When this returns no loss of power brings a removed copy back: what is published next may rest on the one that is
    left, and a removed copy may rest on what is published next.
    """
    store.refresh()
    copies: dict[str, list[tuple[int, str]]] = {}
    for reader in store.packs:
        for row in reader.index.rows():
            copies.setdefault(row.oid.hex(), []).append((-1 if reader.name == prefer else row.nbytes, reader.name))
    for oid in store.loose.ids():
        if oid in copies:
            copies[oid].append((store.loose.nbytes(oid), ""))
    spare: dict[str, set[str]] = {}
    for oid, places in copies.items():
        for _, name in sorted(places)[1:]:
            spare.setdefault(name, set()).add(oid)
    progress.start("removing copies", len(spare), "packs")
    loose = spare.pop("", set())
    touched = {store.loose.path(oid).parent for oid in loose} | ({store.packs.folder} if spare else set())
    freed = sum(map(store.loose.delete, loose))
    written: set[str | None] = set()
    for name, oids in spare.items():
        if name not in written:  # what stays of another pack may be this very pack: killed, settling had got so far
            rewritten, nbytes = _rewrite(store, store.packs.reader(name), {bytes.fromhex(oid) for oid in oids})
            written.add(rewritten)
            freed += nbytes
        progress.advance(1)
    for folder in touched:
        sync_folder(folder)
    store.refresh()
    store.packs.keep_indexes(store.scratch)
    return freed


def freed_nbytes(store: ObjectStore, oids: Set[str]) -> int:
    """Return the bytes on disk that `delete` would free: of packs, their indexes and loose objects."""
    keys = {bytes.fromhex(oid) for oid in oids}
    freed = 0
    for reader in store.packs:
        gone = [row.nbytes for row in reader.index.rows() if row.oid in keys]
        is_all = 0 < len(gone) == len(reader.index)
        freed += _disk_nbytes(reader) if is_all else sum(gone) + len(gone) * (FOOTER_ROW.size + ROW_NBYTES)
    return freed + sum(map(store.loose.nbytes, oids))


def consolidate(store: ObjectStore, progress: Progress) -> PublishResult:
    """Copy loose objects and small packs into one new pack, then remove them. Damaged ones stay where they are.

    Also brings all indexes in order, those that no lookup needs included.
    """
    store.refresh()
    result = _gather(store, progress)
    store.refresh()
    store.packs.keep_indexes(store.scratch, thorough=True)
    return result


def _gather(store: ObjectStore, progress: Progress) -> PublishResult:
    packs = [reader for reader in store.packs if reader.path.stat().st_size < SMALL_PACK_NBYTES and _is_sound(reader)]
    loose = [oid for oid in sorted(store.loose.ids()) if _is_sound_loose(store, oid)]
    if len(packs) + bool(loose) <= (0 if loose else 1):
        return PublishResult(0, 0, None)
    progress.start("gathering objects", len(packs) + len(loose), "steps")
    with PackWriter(store.scratch) as pack:
        written: set[str] = set()
        for source in (*map(_entries, packs), _loose_entries(store, loose)):
            _copy_new(pack, source, written)
        name, nbytes = pack.publish(store.packs.folder)
    for reader in packs:
        if reader.name != name:
            drop_pack(reader.path)
        progress.advance(1)
    for oid in loose:
        store.loose.delete(oid)
        progress.advance(1)
    return PublishResult(len(written), nbytes, name)


def _rewrite(store: ObjectStore, reader: PackReader, keys: set[bytes]) -> tuple[str | None, int]:
    """Put a pack without these objects in its place; return the name of that one, if any, and the bytes freed.

    One of that name may be there already: then it is kept.
    """
    before = _disk_nbytes(reader)
    name, after = None, 0
    if any(row.oid not in keys for row in reader.index.rows()):
        with PackWriter(store.scratch) as pack:
            _copy_new(pack, (one for one in _entries(reader) if bytes.fromhex(one.record.oid) not in keys), set())
            name, after = pack.publish(store.packs.folder)
    drop_pack(reader.path)
    return name, before - after


def _copy_new(pack: PackWriter, entries: Iterable[Entry], written: set[str]) -> None:
    for entry in entries:
        if entry.record.oid not in written:
            pack.copy_entry(entry)
            written.add(entry.record.oid)


def _entries(reader: PackReader) -> Iterator[Entry]:
    """Yield a pack's entries in the order they lie in it; the pack is held open no longer than that."""
    try:
        for row in sorted(reader.index.rows(), key=lambda row: row.offset):
            yield read_entry(reader.open(), row.offset, row.nbytes)
    finally:
        reader.let_go()


def _loose_entries(store: ObjectStore, oids: list[str]) -> Iterator[Entry]:
    for oid in oids:
        entry = store.loose.entry(oid)
        if entry is not None:
            yield entry


def _is_sound(reader: PackReader) -> bool:
    try:
        for entry in _entries(reader):
            verify_frames(entry)
    except (ModelHubError, OSError):
        return False
    return True


def _is_sound_loose(store: ObjectStore, oid: str) -> bool:
    try:
        entry = store.loose.entry(oid)
        if entry is not None:
            verify_frames(entry)
    except (ModelHubError, OSError):
        return False
    return True


def _disk_nbytes(reader: PackReader) -> int:
    index = reader.index_path
    return reader.path.stat().st_size + (index.stat().st_size if index.exists() else 0)
