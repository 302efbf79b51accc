"""Pack writers publish what they verified, pack before index, and nothing else."""

from __future__ import annotations

import pytest

from modelhub.errors import IntegrityError, InternalError
from modelhub.oid import oid_of
from modelhub.store.entry import Frame, Record, check_of
from modelhub.store.item import BYTES
from modelhub.store.pack.index import PackIndex
from modelhub.store.pack.reader import PackReader, hash_pack, read_footer
from modelhub.store.pack.writer import PackWriter, drop_pack, publish_index


def add(pack: PackWriter, data: bytes) -> str:
    oid = oid_of(data)
    frames = (Frame(0, len(data), check_of(data), check_of(data)),) if data else ()
    if data:
        pack.add_frame(data)
    pack.finish_entry(Record(oid, "blob", BYTES, len(data), BYTES.block_nbytes, (), 0, frames))
    return oid


def test_a_published_pack_can_be_read_with_and_without_its_index(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        oids = [add(pack, b"%d" % number * number) for number in range(50)]
        name, nbytes = pack.publish(tmp_path)
    path = tmp_path / f"{name}.pack"
    assert nbytes == sum(one.stat().st_size for one in tmp_path.iterdir())
    for _ in range(2):
        reader = PackReader(path)
        for oid in oids:
            ((found, row),) = reader.find(bytes.fromhex(oid))
            assert found == name
            entry = reader.entry(row)
            assert entry is not None
            assert entry.record.oid == oid
        path.with_suffix(".idx").unlink(missing_ok=True)
    assert reader.index_problem == "it is missing"
    assert sum(hash_pack(reader.open())) == path.stat().st_size - 32


def test_entries_can_be_read_before_publishing(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        oid = add(pack, b"soon")
        entry = pack.entry(oid)
        assert entry is not None
        assert bytes(entry.frame(0)) == b"soon"
        assert pack.entry(oid_of(b"never")) is None
        assert [one.record.oid for one in pack.entries()] == [oid]


def test_leaving_leaves_nothing(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        add(pack, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_pack_within_an_entry_is_not_published(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        pack.add_frame(b"half")
        with pytest.raises(InternalError):
            pack.publish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_the_disk_gives_back_differently_is_not_published(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        for number in range(20):
            add(pack, b"%d" % number * 100)
        list(pack.entries())
        (temp,) = tmp_path.iterdir()
        with temp.open("r+b") as file:
            file.seek(50)
            file.write(b"\xff")
        with pytest.raises(IntegrityError):
            pack.publish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_pack_of_the_same_name_but_another_length_is_damage(tmp_path) -> None:
    for length in (None, 10):
        with PackWriter(tmp_path) as pack:
            add(pack, b"x")
            if length is None:
                name, _ = pack.publish(tmp_path)
                (tmp_path / f"{name}.pack").chmod(0o644)
                (tmp_path / f"{name}.pack").write_bytes(bytes(10))
            else:
                with pytest.raises(IntegrityError, match="another length"):
                    pack.publish(tmp_path)


def test_entries_are_copied_byte_for_byte(tmp_path) -> None:
    (tmp_path / "to").mkdir()
    with PackWriter(tmp_path) as pack, PackWriter(tmp_path) as copy:
        for number in range(9):
            add(pack, b"%d" % number * 1000)
        for entry in pack.entries():
            copy.copy_entry(entry)
        assert pack.publish(tmp_path) == copy.publish(tmp_path / "to")


def test_dropping_a_pack_removes_both_files(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        add(pack, b"x")
        name, _ = pack.publish(tmp_path)
    drop_pack(tmp_path / f"{name}.pack")
    assert list(tmp_path.iterdir()) == []


def test_an_index_replaces_a_damaged_one(tmp_path) -> None:
    with PackWriter(tmp_path) as pack:
        add(pack, b"x")
        name, _ = pack.publish(tmp_path)
    reader = PackReader(tmp_path / f"{name}.pack")
    good = reader.index_path.read_bytes()
    reader.index_path.chmod(0o644)
    reader.index_path.write_bytes(b"bad")
    publish_index(reader.index_path, good, tmp_path)
    assert list(PackIndex.load(reader.index_path).rows()) == read_footer(reader.open())[1]
