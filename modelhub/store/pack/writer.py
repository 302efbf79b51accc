"""Write packs: entries one after the other, then the footer; read back before it gets its name.

Layout and order: docs/reference/format/pack.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from blake3 import blake3

from modelhub.errors import AlreadyExistsError, IntegrityError, InternalError
from modelhub.files import Bytes, TempFile, remove
from modelhub.oid import KINDS
from modelhub.store.entry import Entry, Record, encode_record, header, read_entry
from modelhub.store.pack.index import PackIndex, build_index, index_nbytes
from modelhub.store.pack.layout import FOOTER_ROW, PACK_MAGIC, TRAILER, TRAILER_START, Row, pack_name
from modelhub.store.pack.reader import hash_pack, read_footer
from modelhub.store.stored_file import check_range

PENDING = "not published yet"
_BUFFER_NBYTES = 1 << 18


class PackWriter:
    """A pack under construction; it vanishes unless it is published. Also a place that entries can be read from.

    One thread writes; any thread may read what was flushed. Frames of one entry must follow each other.
    """

    def __init__(self, scratch: Path) -> None:
        self.name = PENDING
        self._scratch = scratch
        self._temp = TempFile(scratch, ahead=True)
        self._hash = blake3()
        self._buffer: list[Bytes] = []
        self._buffered = 0
        self._rows: dict[bytes, Row] = {}
        self._start = 0
        self.size = 0
        self._append(header(PACK_MAGIC))
        self._start = self.size

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def published_nbytes(self) -> int:
        """The bytes on disk of the pack and its index, were it published now."""
        return self.size + len(self) * FOOTER_ROW.size + TRAILER.size + index_nbytes(len(self))

    def add_frame(self, frame: Bytes) -> None:
        """Append the stored bytes of the next block of the entry being written."""
        self._append(frame)

    def finish_entry(self, record: Record) -> None:
        """End the entry whose frames were added."""
        self._append(encode_record(record))
        oid = bytes.fromhex(record.oid)
        kind = 1 + KINDS.index(record.kind)
        self._rows[oid] = Row(oid, self._start, self.size - self._start, kind)
        self._start = self.size

    def copy_entry(self, entry: Entry) -> None:
        """Append another file's entry as it is, each frame checked on the way. Raises IntegrityError."""
        for index in range(len(entry.record.frames)):
            self.add_frame(entry.frame(index))
        self.finish_entry(entry.record)

    def entry(self, oid: str) -> Entry | None:
        """Return an entry that was finished, or None."""
        row = self._rows.get(bytes.fromhex(oid))
        if row is None:
            return None
        self._flush()
        return read_entry(self, row.offset, row.nbytes)

    def entries(self) -> Iterator[Entry]:
        """Yield all finished entries in the order they were written."""
        self._flush()
        return (read_entry(self, row.offset, row.nbytes) for row in self._rows.values())

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Read back what was flushed."""
        check_range(self.name, self.size, offset, nbytes)
        data = self._temp.read_at(offset, nbytes)
        if len(data) != nbytes:
            raise IntegrityError("the pack being written cannot be read back")
        return data

    def publish(self, folder: Path) -> tuple[str, int]:
        """Make the pack and then its index durable; return the pack's name and the bytes of both.

        Everything is read back and verified first. A pack of the same content that is there already is kept.
        """
        if self._start != self.size:
            raise InternalError("a pack cannot be published within an entry")
        rows = sorted(self._rows.values(), key=lambda row: row.oid)
        self._append_footer(rows)
        pack_hash = self._hash.digest()
        self._append(pack_hash)
        self._flush()
        index = build_index(pack_hash, rows)
        self._verify(PackIndex(index, "the new index"), rows)
        name = pack_name(pack_hash)
        try:
            self._temp.publish(folder / f"{name}.pack")
        except AlreadyExistsError:
            _keep_equal(folder / f"{name}.pack", self.size)
        publish_index(folder / f"{name}.idx", index, self._scratch)
        return name, self.size + len(index)

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._temp.__exit__(kind, error, trace)

    def _append(self, data: Bytes) -> None:
        self._hash.update(data)
        self._buffer.append(data)
        self._buffered += len(data)
        self.size += len(data)
        if self._buffered >= _BUFFER_NBYTES:
            self._flush()

    def _flush(self) -> None:
        if len(self._buffer) == 1:
            self._temp.write(self._buffer[0])
        elif self._buffer:
            self._temp.write(b"".join(self._buffer))
        self._buffer.clear()
        self._buffered = 0

    def _append_footer(self, rows: list[Row]) -> None:
        start = TRAILER_START.pack(self.size, len(rows))
        footer = b"".join(FOOTER_ROW.pack(row.oid, row.offset, row.nbytes, row.kind) for row in rows)
        check = blake3(footer + start).digest(16)
        self._append(footer + TRAILER.pack(self.size, len(rows), check, b"")[:-32])

    def _verify(self, index: PackIndex, rows: list[Row]) -> None:
        """Read the file back: its hash, its footer, every record, and the index against them."""
        for _ in hash_pack(self):
            pass
        found = read_footer(self)
        if found != (index.pack_hash, rows) or list(index.rows()) != rows:
            raise IntegrityError("the new pack does not match its index")
        for row in rows:
            if bytes.fromhex(read_entry(self, row.offset, row.nbytes).record.oid) != row.oid:
                raise IntegrityError("the new pack holds another object than its index says")


def publish_index(path: Path, data: bytes, scratch: Path) -> None:
    """Put an index file in its place, durably; it is derived, so one that is there is replaced."""
    with TempFile(scratch) as temp:
        temp.write(data)
        if temp.read_at(0, len(data)) != data:
            raise IntegrityError("the pack index being written cannot be read back")
        temp.replace(path)


def verify_frames(entry: Entry) -> None:
    """Compare every stored frame of an entry with its checksum. Raises IntegrityError, FormatError."""
    for index in range(len(entry.record.frames)):
        entry.frame(index)


def drop_pack(path: Path) -> None:
    """Remove a pack: its index first, so that what is left after a crash is a pack that can still be read."""
    remove(path.with_suffix(".idx"))
    remove(path)


def _keep_equal(path: Path, size: int) -> None:
    if path.stat().st_size != size:
        raise IntegrityError(f"{path.name} is damaged: it has another length than its name promises")
