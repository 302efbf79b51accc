"""Pack indexes: a sorted table of the objects in a pack, searched in place. Layout: docs/reference/format/pack.md."""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from blake3 import blake3

from modelhub.errors import IntegrityError
from modelhub.store.entry import HEADER, check_header, header
from modelhub.store.pack.layout import FANOUT, HASH_NBYTES, INDEX_HEAD, INDEX_MAGIC, Row

_OIDS_AT = HEADER.size + INDEX_HEAD.size + FANOUT.size
ROW_NBYTES = 32 + 8 + 8 + 1
_LONG = struct.Struct("<Q")

SMALL_NBYTES = 1 << 20
"""Indexes up to this size are read: a mapped file holds a descriptor, and of those a process has about a thousand."""


def build_index(pack_hash: bytes, rows: Sequence[Row]) -> bytes:
    """Return the index of a pack; `rows` must be sorted by oid and have no oid twice."""
    counts = [0] * 256
    for row in rows:
        counts[row.oid[0]] += 1
    total = 0
    for first, count in enumerate(counts):
        total += count
        counts[first] = total
    body = b"".join(
        (
            header(INDEX_MAGIC),
            INDEX_HEAD.pack(pack_hash, len(rows)),
            FANOUT.pack(*counts),
            *(row.oid for row in rows),
            struct.pack(f"<{len(rows)}Q", *(row.offset for row in rows)),
            struct.pack(f"<{len(rows)}Q", *(row.nbytes for row in rows)),
            bytes(row.kind for row in rows),
        )
    )
    return body + blake3(body).digest()


def index_nbytes(rows: int) -> int:
    """Return the bytes of the index of a pack with so many objects."""
    return _OIDS_AT + rows * ROW_NBYTES + HASH_NBYTES


class PackIndex:
    """A verified index over its bytes, mapped or in memory. Lookups cost one bisection within a 256th of the table."""

    def __init__(self, data: bytes | mmap.mmap, name: str) -> None:
        self._data = data
        self.name = name
        check_header(data[: HEADER.size], INDEX_MAGIC, name)
        if len(data) < _OIDS_AT + HASH_NBYTES:
            raise IntegrityError(f"{name} is damaged: it is too short")
        self.pack_hash: bytes
        self._count: int
        self.pack_hash, self._count = INDEX_HEAD.unpack_from(data, HEADER.size)
        self._fanout = FANOUT.unpack_from(data, HEADER.size + INDEX_HEAD.size)
        if len(data) != _OIDS_AT + self._count * ROW_NBYTES + HASH_NBYTES:
            raise IntegrityError(f"{name} is damaged: its length does not fit its {self._count} objects")
        with memoryview(data) as view, view[:-HASH_NBYTES] as body:
            if blake3(body).digest() != data[len(data) - HASH_NBYTES :]:
                raise IntegrityError(f"{name} is damaged: it does not match its checksum")
        if self._fanout[-1] != self._count or list(self._fanout) != sorted(self._fanout):
            raise IntegrityError(f"{name} is damaged: its fan-out is not in order")

    @classmethod
    def load(cls, path: Path) -> PackIndex:
        """Map and verify an index file; a small one is read. Raises FileNotFoundError, IntegrityError, FormatError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            if size < _OIDS_AT + HASH_NBYTES:
                raise IntegrityError(f"{path.name} is damaged: it is too short")
            if size > SMALL_NBYTES:
                return cls(mmap.mmap(descriptor, size, prot=mmap.PROT_READ), path.name)
            data = os.pread(descriptor, size, 0)
        finally:
            os.close(descriptor)
        return cls(data, path.name)

    def __len__(self) -> int:
        return self._count

    def find(self, oid: bytes) -> Row | None:
        """Return where an object lies in the pack, or None."""
        low = self._fanout[oid[0] - 1] if oid[0] else 0
        high = self._fanout[oid[0]]
        if low == high:
            return None
        position = bisect_left(range(self._count), oid, low, high, key=self._oid)
        if position < high and self._oid(position) == oid:
            return self._row(position)
        return None

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Yield the ids that begin with these hex digits, sorted."""
        first = bytes.fromhex(prefix.ljust(64, "0"))
        position = bisect_left(range(self._count), first, key=self._oid)
        while position < self._count:
            oid = self._oid(position).hex()
            if not oid.startswith(prefix):
                return
            yield oid
            position += 1

    def rows(self) -> Iterator[Row]:
        """Yield every row, sorted by oid."""
        return (self._row(position) for position in range(self._count))

    def columns(self) -> tuple[list[bytes], tuple[int, ...], tuple[int, ...], bytes]:
        """Return the oids, offsets, lengths and kinds of all objects, sorted by oid; many times as fast as `rows`."""
        offsets = _OIDS_AT + 32 * self._count
        oids = self._data[_OIDS_AT:offsets]
        numbers = struct.unpack_from(f"<{2 * self._count}Q", self._data, offsets)
        kinds = offsets + 16 * self._count
        return (
            [oids[at : at + 32] for at in range(0, len(oids), 32)],
            numbers[: self._count],
            numbers[self._count :],
            self._data[kinds : kinds + self._count],
        )

    def _oid(self, position: int) -> bytes:
        at = _OIDS_AT + 32 * position
        return self._data[at : at + 32]

    def _row(self, position: int) -> Row:
        offsets = _OIDS_AT + 32 * self._count
        (offset,) = _LONG.unpack_from(self._data, offsets + 8 * position)
        (nbytes,) = _LONG.unpack_from(self._data, offsets + 8 * (self._count + position))
        return Row(self._oid(position), offset, nbytes, self._data[offsets + 16 * self._count + position])
