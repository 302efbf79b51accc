"""Read packs: find an object by the index, or by the footer where the index is missing or damaged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from modelhub.errors import FormatError, IntegrityError
from modelhub.store.entry import HEADER, Entry, check_header, read_entry
from modelhub.store.pack.index import PackIndex, build_index
from modelhub.store.pack.layout import (
    FOOTER_ROW,
    HASH_NBYTES,
    PACK_MAGIC,
    TRAILER,
    TRAILER_START,
    Row,
)
from modelhub.store.stored_file import Stored, StoredFile

CHUNK_NBYTES = 1 << 20


class PackReader:
    """One pack on disk. Nothing is opened before the first lookup; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self.index_problem: str | None = None
        self._index: PackIndex | None = None
        self._file: StoredFile | None = None
        self._lock = threading.Lock()

    @property
    def index(self) -> PackIndex:
        """The index: from its file, or rebuilt in memory from the pack's footer.

        `index_problem` then says why. Raises FileNotFoundError if the pack itself is gone.
        """
        if self._index is None:
            self._index = self._load_index()
        return self._index

    @property
    def index_path(self) -> Path:
        """Where the index file belongs."""
        return self.path.with_suffix(".idx")

    @property
    def sound_index(self) -> PackIndex | None:
        """The index, or None where the pack is gone, or so damaged that nothing is known of what it holds."""
        try:
            return self.index
        except (FormatError, FileNotFoundError):
            return None

    def find(self, oid: bytes) -> tuple[tuple[str, Row], ...]:
        """Return this pack's name and where an object lies in it; nothing where it does not hold it."""
        index = self._index if self._index is not None else self.sound_index
        row = index.find(oid) if index is not None else None
        return ((self.name, row),) if row is not None else ()

    def starting_with(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield this pack's name with each id that begins with these hex digits."""
        index = self.sound_index
        return ((self.name, oid) for oid in index.starting_with(prefix)) if index is not None else iter(())

    def entry(self, row: Row) -> Entry:
        """Return the entry that an index says lies there. Raises FileNotFoundError, IntegrityError, FormatError."""
        entry = read_entry(self.open(), row.offset, row.nbytes)
        if bytes.fromhex(entry.record.oid) != row.oid:
            raise IntegrityError(f"{self.name} is damaged: another object lies where {row.oid.hex()} should")
        return entry

    def open(self) -> StoredFile:
        """Return the pack's open file, its header checked."""
        if (known := self._file) is not None:
            return known
        with self._lock:
            if self._file is None:
                file = StoredFile(self.path, self.name)
                check_header(file.read_at(0, min(HEADER.size, file.size)), PACK_MAGIC, self.name)
                self._file = file
            return self._file

    def let_go(self) -> None:
        """Forget the open file; handles that still read from it keep it open."""
        with self._lock:
            self._file = None

    @property
    def is_open(self) -> bool:
        """Whether the pack's file is held open."""
        return self._file is not None

    def _load_index(self) -> PackIndex:
        try:
            return PackIndex.load(self.index_path)
        except FileNotFoundError:
            self.index_problem = "it is missing"
        except FormatError as error:
            self.index_problem = str(error)
        pack_hash, rows = read_footer(self.open())
        return PackIndex(build_index(pack_hash, rows), f"{self.name}.idx")


def read_footer(source: Stored) -> tuple[bytes, list[Row]]:
    """Return the pack's hash and its rows, sorted by oid; the footer is verified by its own check.

    Raises IntegrityError where the footer does not hold together; the hash itself is not compared here.
    """
    if source.size < HEADER.size + TRAILER.size:
        raise IntegrityError(f"{source.name} is damaged: it is too short")
    trailer = source.read_at(source.size - TRAILER.size, TRAILER.size)
    start, count, check, pack_hash = TRAILER.unpack(trailer)
    if start < HEADER.size or start + count * FOOTER_ROW.size != source.size - TRAILER.size:
        raise IntegrityError(f"{source.name} is damaged: its footer does not fit")
    footer = source.read_at(start, count * FOOTER_ROW.size)
    if blake3(footer + trailer[: TRAILER_START.size]).digest(16) != check:
        raise IntegrityError(f"{source.name} is damaged: its footer does not match its checksum")
    rows = [Row(*fields) for fields in FOOTER_ROW.iter_unpack(footer)]
    oids = [row.oid for row in rows]
    if sorted(set(oids)) != oids or any(row.offset + row.nbytes > start for row in rows):
        raise IntegrityError(f"{source.name} is damaged: its footer is not in order")
    return pack_hash, rows


def hash_pack(source: Stored) -> Iterator[int]:
    """Read a whole pack and compare its hash, yielding the bytes done now and then. Raises IntegrityError."""
    digest = blake3()
    end = source.size - HASH_NBYTES
    for offset in range(0, end, CHUNK_NBYTES):
        part = source.read_at(offset, min(CHUNK_NBYTES, end - offset))
        digest.update(part)
        yield len(part)
    if digest.digest() != source.read_at(end, HASH_NBYTES):
        raise IntegrityError(f"{source.name} is damaged: it does not match its hash")
