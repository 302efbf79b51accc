"""Find damage in a store: what is wrong, where, and which object it hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modelhub.errors import FormatError, IntegrityError, ModelHubError
from modelhub.oid import hasher
from modelhub.progress import Progress
from modelhub.store.entry import Entry, read_entry
from modelhub.store.loose import PLACE
from modelhub.store.object_info import Damage
from modelhub.store.pack.index import PackIndex
from modelhub.store.pack.layout import Row
from modelhub.store.pack.reader import PackReader, hash_pack, read_footer
from modelhub.store.pack.writer import verify_frames
from modelhub.store.pack_view import multi_names
from modelhub.store.packs import Packs

if TYPE_CHECKING:
    from modelhub.store.object_store import ObjectStore


def check_store(store: ObjectStore, full: bool, progress: Progress) -> Iterator[Damage]:
    """Yield the damage of a store; with `full`, every object is decoded and hashed as well."""
    store.refresh()
    hurt: set[str] = set()
    for damage in _check_files(store, progress):
        if damage.oid is not None:
            hurt.add(damage.oid)
        yield damage
    if full:
        yield from _check_contents(store, hurt, progress)


def _check_files(store: ObjectStore, progress: Progress) -> Iterator[Damage]:
    checked: set[str] = set()
    while packs := [reader for reader in store.packs if reader.name not in checked]:
        progress.start("checking packs", len(packs), "packs")
        for reader in packs:
            found = list(_check_pack(store, reader))
            if reader.path.exists():  # else gc has put what it held into another pack meanwhile
                yield from found
            reader.let_go()
            checked.add(reader.name)
            progress.advance(1)
        store.refresh()
    yield from _check_multi_indexes(store)
    loose = sorted(store.loose.ids())
    progress.start("checking loose objects", len(loose), "objects")
    for oid in loose:
        problem = _problem(lambda oid=oid: _check_entry(store, store.loose.entry(oid)))  # type: ignore[misc]
        if problem is not None:
            yield Damage(oid, PLACE, problem)
        progress.advance(1)


def _check_pack(store: ObjectStore, reader: PackReader) -> Iterator[Damage]:
    rows, problem = _rows(reader)
    if problem is not None:
        yield Damage(None, reader.name, problem)
    hurt = False
    for row in rows:
        trouble = _problem(lambda row=row: _check_entry(store, _entry(reader, row)))  # type: ignore[misc]
        if trouble is not None:
            hurt = True
            yield Damage(row.oid.hex(), reader.name, trouble)
    if problem is None and not hurt:
        problem = _problem(lambda: sum(hash_pack(reader.open())))
        if problem is not None:
            yield Damage(None, reader.name, problem)
    problem = _problem(lambda: _check_index(reader, rows))
    if problem is not None:
        yield Damage(None, f"{reader.name}.idx", problem)


def _rows(reader: PackReader) -> tuple[list[Row], str | None]:
    """Return what the pack holds, from its footer or else from its index, and what is wrong with it."""
    try:
        return read_footer(reader.open())[1], None
    except (ModelHubError, OSError) as error:
        problem = str(error)
    try:
        return list(PackIndex.load(reader.index_path).rows()), problem
    except (ModelHubError, OSError):
        return [], problem


def _entry(reader: PackReader, row: Row) -> Entry:
    entry = read_entry(reader.open(), row.offset, row.nbytes)
    if bytes.fromhex(entry.record.oid) != row.oid:
        raise IntegrityError("another object lies in its place")
    return entry


def _check_entry(store: ObjectStore, entry: Entry | None) -> None:
    if entry is None:
        return
    verify_frames(entry)
    for base in entry.record.bases:
        if not store.contains(base.oid):
            raise IntegrityError(f"it builds on object {base.oid}, which is missing")


def _check_index(reader: PackReader, rows: list[Row]) -> None:
    """Compare the index file with the pack; one that is missing is no damage, the footer stands in for it."""
    try:
        index = PackIndex.load(reader.index_path)
    except FileNotFoundError:
        return
    try:
        pack_hash, rows = read_footer(reader.open())
    except FormatError:
        return
    if index.pack_hash != pack_hash or list(index.rows()) != rows:
        raise IntegrityError(f"{reader.name}.idx does not fit its pack")


def _check_multi_indexes(store: ObjectStore) -> Iterator[Damage]:
    """Compare the indexes over many packs with the packs' own."""
    packs = store.packs
    for name in multi_names(packs.view.names):
        problem = _problem(lambda name=name: _check_multi_index(packs, name))  # type: ignore[misc]
        if problem is not None and (packs.folder / name).exists():
            yield Damage(None, name, problem)


def _check_multi_index(packs: Packs, name: str) -> None:
    from modelhub.store.pack.multi_index import MultiIndex

    multi = MultiIndex.load(packs.folder / name)
    counts = Counter(row[0] for row in multi.rows())
    for pack, count in multi.packs.items():
        index = packs.reader(pack).sound_index if pack in packs.view.packs else None
        fits = index is None or all((pack, row) in multi.find(row.oid) for row in index.rows())
        if counts[pack] != count or not fits or (index is not None and len(index) != count):
            raise IntegrityError(f"{name} does not fit {pack}")


def _check_contents(store: ObjectStore, hurt: set[str], progress: Progress) -> Iterator[Damage]:
    oids = sorted(set(store.ids()) - hurt)
    progress.start("checking contents", len(oids), "objects")

    def check(oid: str) -> Damage | None:
        problem = _problem(lambda: _check_content(store, oid))
        return None if problem is None else Damage(oid, _place(store, oid), problem)

    for damage in store.workers.map(check, oids, weigh=lambda _: store.workers.budget // store.workers.count):
        if damage is not None:
            yield damage
        progress.advance(1)


def _check_content(store: ObjectStore, oid: str) -> None:
    found = store.open(oid)
    digest = hasher(found.kind)  # type: ignore[arg-type]
    for index in range(found.nblocks):
        digest.update(found.block(index))
    if digest.hexdigest() != oid:
        raise IntegrityError("its content has another id")


def _place(store: ObjectStore, oid: str) -> str:
    try:
        return store.info(oid).place
    except ModelHubError:
        return "unknown"


def _problem(work: Callable[[], object]) -> str | None:
    try:
        work()
    except (ModelHubError, OSError) as error:
        return str(error)
    return None
