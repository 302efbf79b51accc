"""Multi-pack indexes: one table that finds the objects of many packs. Layout: docs/reference/format/pack.md.

Only the head is verified when one is opened. Each bucket has a check of its own, compared when it is first looked into:
opening costs the same for a thousand objects as for a million, and even "it is not here" rests on bytes that were
verified.
"""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from modelhub.errors import IntegrityError
from modelhub.store.entry import HEADER, check_header, check_of, header
from modelhub.store.pack.layout import (
    HASH_NBYTES,
    MULTI_BUCKET,
    MULTI_HEAD,
    MULTI_MAGIC,
    MULTI_ROW,
    NAME_NBYTES,
    Row,
)

BUCKET_ROWS = 64
"""A bucket holds about half as many rows up to this many: one small slice to verify and to search."""

MOST_BITS = 24
SMALL_NBYTES = 1 << 16
"""Files up to this size are read rather than mapped."""

_NAMES_AT = HEADER.size + MULTI_HEAD.size

PackedRow = tuple[str, bytes, int, int, int]
"""The name of a pack, and oid, offset, length and kind of an object in it."""


def build_multi_index(names: Collection[str], rows: Iterable[PackedRow]) -> bytes:
    """Return the index of these packs. An object that lies in several of them has a row for each."""
    numbers = {name: number for number, name in enumerate(sorted(names))}
    counts = [0] * len(numbers)
    records = []
    for name, oid, offset, nbytes, kind in rows:
        number = numbers[name]
        counts[number] += 1
        records.append(MULTI_ROW.pack(oid, number, offset, nbytes, kind))
    records.sort()
    bits = min(MOST_BITS, (len(records) // BUCKET_ROWS).bit_length())
    head = b"".join(
        (
            header(MULTI_MAGIC),
            MULTI_HEAD.pack(len(numbers), bits, len(records)),
            *(bytes.fromhex(name.removeprefix("pack-")) for name in numbers),
            struct.pack(f"<{len(counts)}I", *counts),
            *_buckets(records, bits),
        )
    )
    return b"".join((head, blake3(head).digest(), *records))


def _buckets(records: list[bytes], bits: int) -> Iterator[bytes]:
    low = 0
    for bucket in range(1, (1 << bits) + 1):
        is_last = bucket == 1 << bits
        high = len(records) if is_last else bisect_left(records, (bucket << (32 - bits)).to_bytes(4, "big"), low)
        yield MULTI_BUCKET.pack(high, check_of(b"".join(records[low:high])))
        low = high


class MultiIndex:
    """A multi-pack index over its bytes, mapped or in memory. Its rows are verified bucket by bucket, when needed."""

    def __init__(self, data: bytes | mmap.mmap, name: str) -> None:
        self._data = data
        self.name = name
        self.is_damaged = False
        """Whether something in it was found not to match its checks."""
        check_header(data[: HEADER.size], MULTI_MAGIC, name)
        if len(data) < _NAMES_AT + HASH_NBYTES:
            raise self._damaged("it is too short")
        self._bits: int
        self._count: int
        packs, self._bits, self._count = MULTI_HEAD.unpack_from(data, HEADER.size)
        counts_at = _NAMES_AT + NAME_NBYTES * packs
        self._buckets_at: int = counts_at + 4 * packs
        if self._bits > MOST_BITS or len(data) != self._head_nbytes + HASH_NBYTES + self._count * MULTI_ROW.size:
            raise self._damaged("its length does not fit what it holds")
        with memoryview(data) as view, view[: self._head_nbytes] as head:
            if blake3(head).digest() != data[self._head_nbytes : self._head_nbytes + HASH_NBYTES]:
                raise self._damaged("it does not match its checksum")
        digits = data[_NAMES_AT:counts_at].hex()
        step = 2 * NAME_NBYTES
        self.packs: dict[str, int] = dict(
            zip(
                [f"pack-{digits[at : at + step]}" for at in range(0, len(digits), step)],
                struct.unpack_from(f"<{packs}I", data, counts_at),
                strict=True,
            )
        )
        """The names of the packs it covers, and how many objects each of them has."""
        self._names = tuple(self.packs)
        if len(self._names) != packs:
            raise self._damaged("it names a pack twice")
        self._rows_at = self._head_nbytes + HASH_NBYTES
        self._is_sound = bytearray(1 << self._bits)

    @classmethod
    def load(cls, path: Path) -> MultiIndex:
        """Map a file, or read a small one, and verify its head. Raises OSError, IntegrityError, FormatError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            if size > SMALL_NBYTES:
                return cls(mmap.mmap(descriptor, size, prot=mmap.PROT_READ), path.name)
            data = os.pread(descriptor, size, 0)
        finally:
            os.close(descriptor)
        return cls(data, path.name)

    def __len__(self) -> int:
        return self._count

    def find(self, oid: bytes) -> tuple[tuple[str, Row], ...]:
        """Return each covered pack that holds an object, with its place there. Raises IntegrityError."""
        rows = self._bucket(int.from_bytes(oid[:4], "big") >> (32 - self._bits))
        at = rows.find(oid)
        if at < 0:
            return ()
        found = []
        while at >= 0:
            if at % MULTI_ROW.size == 0:
                _, number, offset, nbytes, kind = MULTI_ROW.unpack_from(rows, at)
                found.append((self._pack(number), Row(oid, offset, nbytes, kind)))
            at = rows.find(oid, at + 1)
        return tuple(found)

    def starting_with(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield a pack's name with each id that begins with these hex digits. Raises IntegrityError."""
        first = int(prefix[:8].ljust(8, "0"), 16) >> (32 - self._bits)
        last = int(prefix[:8].ljust(8, "f"), 16) >> (32 - self._bits)
        for bucket in range(first, last + 1):
            for row in MULTI_ROW.iter_unpack(self._bucket(bucket)):
                oid = row[0].hex()
                if oid.startswith(prefix):
                    yield self._pack(row[1]), oid

    def rows(self) -> Iterator[PackedRow]:
        """Yield every row, sorted by oid, all of them verified. Raises IntegrityError."""
        for bucket in range(1 << self._bits):
            for oid, number, offset, nbytes, kind in MULTI_ROW.iter_unpack(self._bucket(bucket)):
                yield self._pack(number), oid, offset, nbytes, kind

    @property
    def _head_nbytes(self) -> int:
        return self._buckets_at + (MULTI_BUCKET.size << self._bits)

    def _bucket(self, bucket: int) -> bytes:
        """Return the rows of one bucket, verified."""
        at = self._buckets_at + MULTI_BUCKET.size * bucket
        high, check = MULTI_BUCKET.unpack_from(self._data, at)
        low = MULTI_BUCKET.unpack_from(self._data, at - MULTI_BUCKET.size)[0] if bucket else 0
        if not low <= high <= self._count:
            raise self._damaged("its buckets are not in order")
        rows = self._data[self._rows_at + MULTI_ROW.size * low : self._rows_at + MULTI_ROW.size * high]
        if not self._is_sound[bucket]:
            if check_of(rows) != check:
                raise self._damaged("its rows do not match their checksum")
            self._is_sound[bucket] = 1
        return rows

    def _pack(self, number: int) -> str:
        if number >= len(self._names):
            raise self._damaged("it points to a pack that it does not name")
        return self._names[number]

    def _damaged(self, what: str) -> IntegrityError:
        self.is_damaged = True
        return IntegrityError(f"{self.name} is damaged: {what}")
