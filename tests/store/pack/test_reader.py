"""Pack readers refuse what is not a sound pack."""

from __future__ import annotations

import struct

import pytest
from blake3 import blake3

from modelhub.errors import FormatError, IntegrityError
from modelhub.store.entry import header
from modelhub.store.pack.layout import FOOTER_ROW, PACK_MAGIC, Row
from modelhub.store.pack.reader import PackReader, read_footer


def pack_of(rows: bytes, *, start: int = 16, count: int | None = None, version: bytes = b"") -> bytes:
    body = header(PACK_MAGIC) + rows
    head = struct.pack("<QIxxxx", start, len(rows) // FOOTER_ROW.size if count is None else count)
    body += head + blake3(rows + head).digest(16)
    return body + blake3(body).digest()


def reader_of(tmp_path, data: bytes) -> PackReader:
    path = tmp_path / "pack-x.pack"
    path.write_bytes(data)
    return PackReader(path)


def row(oid: bytes, offset: int = 16, nbytes: int = 0) -> bytes:
    return FOOTER_ROW.pack(oid * 32, offset, nbytes, 1)


def test_an_empty_pack_is_sound(tmp_path) -> None:
    assert read_footer(reader_of(tmp_path, pack_of(b"")).open())[1] == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89MHP\r\n\x1a\n",
        pack_of(b"")[:-1],
        pack_of(b"", start=15),
        pack_of(b"", count=0xFFFFFFFF),
        pack_of(b"", start=0xFFFFFFFFFFFFFFFF),
        pack_of(row(b"b") + row(b"a")),
        pack_of(row(b"a") + row(b"a")),
        pack_of(row(b"a", nbytes=0xFFFFFFFFFFFFFFFF)),
        pack_of(row(b"a", nbytes=1)),
    ],
)
def test_an_inconsistent_footer_is_refused_without_allocating(tmp_path, data: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_footer(reader_of(tmp_path, data).open())


def test_a_pack_of_a_newer_version_asks_for_an_upgrade(tmp_path) -> None:
    data = bytearray(pack_of(b""))
    data[12] = 1
    with pytest.raises(FormatError, match="features 0x1") as caught:
        reader_of(tmp_path, bytes(data)).open()
    assert "upgrade" in str(caught.value.hint)


def test_an_entry_that_is_no_entry_is_refused(tmp_path) -> None:
    with pytest.raises(IntegrityError):
        reader_of(tmp_path, pack_of(row(b"a"))).entry(Row(b"a" * 32, 16, 0, 1))
