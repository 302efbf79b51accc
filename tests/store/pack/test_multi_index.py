"""A multi-pack index finds what is in its packs, and says nothing that was not verified."""

from __future__ import annotations

import random
import struct

import pytest
from blake3 import blake3

from modelhub.errors import FormatError, IntegrityError
from modelhub.store.pack.layout import Row
from modelhub.store.pack.multi_index import BUCKET_ROWS, MultiIndex, PackedRow, build_multi_index

HEAD_NBYTES = 32


def name_of(number: int) -> str:
    return f"pack-{blake3(b'pack %d' % number).hexdigest()[:40]}"


def rows_of(packs: int, each: int) -> list[PackedRow]:
    return [
        (name_of(pack), blake3(b"%d %d" % (pack, number)).digest(), 16 + 100 * number, 100, 1 + number % 6)
        for pack in range(packs)
        for number in range(each)
    ]


def built(rows: list[PackedRow]) -> bytes:
    return build_multi_index({row[0] for row in rows}, rows)


def resealed(data: bytes, head_nbytes: int) -> bytes:
    """Give bytes that were tampered with a head that matches its checksum again."""
    return data[:head_nbytes] + blake3(data[:head_nbytes]).digest() + data[head_nbytes + 32 :]


@pytest.mark.parametrize(("packs", "each"), [(0, 0), (1, 1), (3, 40), (40, 100)])
def test_every_row_is_found_and_nothing_else(packs: int, each: int) -> None:
    rows = rows_of(packs, each)
    index = MultiIndex(built(rows), "x")
    assert len(index) == len(rows)
    assert index.packs == {name_of(number): each for number in range(packs)}
    for name, oid, *place in rows:
        assert index.find(oid) == ((name, Row(oid, *place)),)
    for absent in (bytes(32), b"\xff" * 32, *(blake3(b"%d" % number).digest() for number in range(300))):
        assert index.find(absent) == ()
    assert sorted(index.rows()) == sorted(rows)
    assert [row[1] for row in index.rows()] == sorted(row[1] for row in rows)


def test_an_object_in_two_packs_is_found_in_both() -> None:
    rows = rows_of(4, 50)
    twice = [(name_of(3), oid, 7, 8, 2) for name, oid, *_ in rows if name == name_of(0)]
    index = MultiIndex(built([*rows, *twice]), "x")
    for _, oid, *_ in twice:
        assert {name for name, _ in index.find(oid)} == {name_of(0), name_of(3)}


def test_an_id_that_happens_to_lie_across_rows_is_not_found() -> None:
    one, two = bytes(31) + b"\1", bytes(30) + b"\1\0"
    data = built([(name_of(0), one, 0x0102030405060708, 9, 1), (name_of(0), two, 3, 4, 1)])
    index = MultiIndex(data, "x")
    across = data[-106 + 8 : -106 + 40]
    assert index.find(one)
    assert index.find(across) == ()


def test_prefixes_give_the_ids() -> None:
    rows = rows_of(20, 80)
    index = MultiIndex(built(rows), "x")
    ids = sorted(row[1].hex() for row in rows)
    for prefix in ("", "0", "7f", ids[9][:5], ids[-1], ids[0][:20], "f" * 64):
        assert sorted(oid for _, oid in index.starting_with(prefix)) == [oid for oid in ids if oid.startswith(prefix)]


def test_the_bytes_do_not_depend_on_the_order_of_the_rows() -> None:
    rows = rows_of(10, 30)
    data = built(rows)
    mixed = random.Random(1).sample(rows, len(rows))
    assert built(mixed) == data
    assert built(list(MultiIndex(data, "x").rows())) == data


def test_a_bucket_stays_small_whatever_the_size() -> None:
    for packs in (1, 10, 300):
        data = built(rows_of(packs, 40))
        (bits,) = struct.unpack_from("<I", data, 20)
        assert packs * 40 / 2**bits <= BUCKET_ROWS


def test_a_large_file_is_mapped_and_answers_the_same(tmp_path) -> None:
    rows = rows_of(40, 60)
    (tmp_path / "x").write_bytes(built(rows))
    assert (tmp_path / "x").stat().st_size > 1 << 16
    index = MultiIndex.load(tmp_path / "x")
    (tmp_path / "x").unlink()
    assert sorted(index.rows()) == sorted(rows)


def test_no_damaged_bit_gives_a_wrong_answer() -> None:
    rows = rows_of(3, 22)
    data = built(rows)
    absent = [blake3(b"%d" % number).digest() for number in range(30)]
    for at in range(len(data)):
        hurt = bytearray(data)
        hurt[at] ^= 1 << at % 8
        answers(bytes(hurt), rows, absent)


def test_no_cut_gives_a_wrong_answer(tmp_path) -> None:
    data = built(rows_of(3, 5))
    for length in range(len(data)):
        with pytest.raises(IntegrityError):
            MultiIndex(data[:length], "x")
        (tmp_path / "x").write_bytes(data[:length])
        with pytest.raises(IntegrityError):
            MultiIndex.load(tmp_path / "x")


def answers(data: bytes, rows: list[PackedRow], absent: list[bytes]) -> None:
    try:
        index = MultiIndex(data, "x")
    except FormatError:
        return
    refused = 0
    for name, oid, *place in rows:
        try:
            assert index.find(oid) == ((name, Row(oid, *place)),)
        except IntegrityError:
            refused += 1
    for oid in absent:
        try:
            assert index.find(oid) == ()
        except IntegrityError:
            refused += 1
    assert refused
    assert index.is_damaged
    with pytest.raises(IntegrityError):
        list(index.rows())


def test_a_newer_version_asks_for_an_upgrade() -> None:
    data = bytearray(built(rows_of(1, 3)))
    data[8] = 2
    with pytest.raises(FormatError, match="version 2") as caught:
        MultiIndex(bytes(data), "x")
    assert not isinstance(caught.value, IntegrityError)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (16, struct.pack("<I", 0xFFFFFFFF)),
        (16, struct.pack("<I", 0)),
        (20, struct.pack("<I", 0xFFFFFFFF)),
        (20, struct.pack("<I", 25)),
        (24, struct.pack("<Q", 0xFFFFFFFFFFFFFFFF)),
        (24, struct.pack("<Q", 0)),
    ],
)
def test_numbers_that_do_not_fit_the_length_are_refused_without_allocating(at: int, value: bytes) -> None:
    data = bytearray(built(rows_of(2, 3)))
    data[at : at + len(value)] = value
    with pytest.raises(IntegrityError, match="length"):
        MultiIndex(resealed(bytes(data), HEAD_NBYTES + 2 * 24 + 12), "x")


def test_a_pack_named_twice_is_refused() -> None:
    data = bytearray(built(rows_of(2, 3)))
    data[52:72] = data[32:52]
    with pytest.raises(IntegrityError, match="twice"):
        MultiIndex(resealed(bytes(data), HEAD_NBYTES + 2 * 24 + 12), "x")


@pytest.mark.parametrize("end", [0, 5, 7, 0xFFFFFFFF])
def test_a_bucket_with_wrong_bounds_is_refused(end: int) -> None:
    rows = rows_of(2, 3)
    data = bytearray(built(rows))
    struct.pack_into("<I", data, HEAD_NBYTES + 2 * 24, end)
    index = MultiIndex(resealed(bytes(data), HEAD_NBYTES + 2 * 24 + 12), "x")
    with pytest.raises(IntegrityError):
        index.find(rows[0][1])


def test_a_row_that_points_to_no_pack_is_refused() -> None:
    rows = rows_of(2, 3)
    data = bytearray(built(rows))
    head = HEAD_NBYTES + 2 * 24 + 12
    struct.pack_into("<I", data, head + 32 + 32, 2)
    struct.pack_into("<8s", data, head - 8, blake3(data[head + 32 :]).digest(8))
    index = MultiIndex(resealed(bytes(data), head), "x")
    with pytest.raises(IntegrityError, match="does not name"):
        index.find(bytes(data[head + 32 : head + 64]))
    with pytest.raises(IntegrityError, match="does not name"):
        list(index.starting_with(""))
