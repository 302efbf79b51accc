"""Pack indexes find what is in a pack and refuse what is not an index."""

from __future__ import annotations

import pytest
from blake3 import blake3

from modelhub.errors import FormatError, IntegrityError
from modelhub.store.pack.index import PackIndex, build_index
from modelhub.store.pack.layout import Row


def rows_of(count: int) -> list[Row]:
    oids = sorted(blake3(b"%d" % number).digest() for number in range(count))
    return [Row(oid, 16 + 100 * number, 100, 1 + number % 5) for number, oid in enumerate(oids)]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_every_row_is_found_and_nothing_else(count: int) -> None:
    rows = rows_of(count)
    index = PackIndex(build_index(bytes(32), rows), "x.idx")
    assert list(index.rows()) == rows
    assert len(index) == count
    assert [index.find(row.oid) for row in rows] == rows
    assert index.find(bytes(32)) is None
    assert index.find(b"\xff" * 32) is None


def test_prefixes_give_the_ids_in_order() -> None:
    rows = rows_of(300)
    index = PackIndex(build_index(bytes(32), rows), "x.idx")
    ids = [row.oid.hex() for row in rows]
    for prefix in ("", "0", "7f", ids[9][:5], ids[-1], "f" * 64):
        assert list(index.starting_with(prefix)) == [oid for oid in ids if oid.startswith(prefix)]


def test_an_index_of_a_newer_version_asks_for_an_upgrade() -> None:
    data = bytearray(build_index(bytes(32), []))
    data[8] = 2
    with pytest.raises(FormatError, match="version 2") as caught:
        PackIndex(bytes(data), "x.idx")
    assert not isinstance(caught.value, IntegrityError)


def test_an_empty_file_is_no_index(tmp_path) -> None:
    (tmp_path / "x.idx").touch()
    with pytest.raises(IntegrityError):
        PackIndex.load(tmp_path / "x.idx")
