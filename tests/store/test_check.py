"""The check finds what the checksums of stored bytes cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from modelhub.oid import oid_of
from modelhub.progress import Silent
from modelhub.store import index_upkeep
from modelhub.store.entry import Base, Frame, Record, check_of
from modelhub.store.item import BYTES
from modelhub.store.object_store import ObjectStore
from modelhub.store.pack.multi_index import MultiIndex, build_multi_index
from modelhub.store.pack.writer import PackWriter, drop_pack


def record_of(oid: str, data: bytes, **changes) -> Record:
    frames = (Frame(0, len(data), check_of(data), check_of(data)),)
    return replace(Record(oid, "blob", BYTES, len(data), BYTES.block_nbytes, (), 0, frames), **changes)


def delta_of(oid: str, base: str, frames: tuple[Frame, ...]) -> Record:
    return record_of(oid, b"x", bases=(Base(base),), depth=1, frames=frames)


def publish(store, *entries: tuple[Record, bytes]) -> None:
    with PackWriter(store.scratch) as pack:
        for record, data in entries:
            pack.add_frame(data)
            pack.finish_entry(record)
        pack.publish(store.packs.folder)


def test_a_sound_store_has_no_damage(store) -> None:
    with store.writer() as writer:
        for number in range(20):
            writer.put(b"%d" % number)
        writer.publish()
    assert list(store.check(full=True)) == []


def test_content_under_a_wrong_id_is_found_by_the_full_check(store) -> None:
    oid = oid_of(b"what it should be")
    publish(store, (record_of(oid, b"what it is"), b"what it is"))
    assert list(store.check(full=False)) == []
    (damage,) = store.check(full=True)
    assert damage.oid == oid
    assert damage.place.startswith("pack-")


def test_a_chain_that_comes_back_to_itself_is_damage_and_no_endless_loop(store) -> None:
    one, two = oid_of(b"1"), oid_of(b"2")
    frames = (Frame(4, 0, check_of(b""), check_of(b"x")),)
    chain = [delta_of(oid, base, frames) for oid, base in ((one, two), (two, one))]
    publish(store, *((record, b"") for record in chain))
    assert {damage.oid for damage in store.check(full=True)} == {one, two}


def test_a_chain_that_is_too_long_is_refused(store) -> None:
    oids = [oid_of(b"%d" % number) for number in range(60)]
    frames = (Frame(4, 0, check_of(b""), check_of(b"x")),)
    chain = [
        record_of(oid, b"x", bases=(Base(base),), depth=1, frames=frames)
        for oid, base in zip(oids[1:], oids, strict=False)
    ]
    publish(store, (record_of(oids[0], b"x"), b"x"), *((record, b"") for record in chain))
    assert bytes(store.open(oids[40]).block(0)) == b"x"
    problems = {damage.oid: damage.problem for damage in store.check(full=True)}
    assert "longer than 50" in problems[oids[-1]]


def test_an_unknown_codec_is_reported(store) -> None:
    oid = oid_of(b"x")
    publish(store, (record_of(oid, b"x", frames=(Frame(200, 1, check_of(b"x"), check_of(b"x")),)), b"x"))
    (damage,) = store.check(full=True)
    assert "codec 200" in damage.problem
    assert store.info(oid).codecs == ("codec 200",)


def test_progress_counts_everything(store) -> None:
    with store.writer() as writer:
        for number in range(20):
            writer.put(b"%d" % number)
        writer.publish()
    done: dict[str, list[int]] = {}

    class Watch:
        def start(self, label: str, total: int | None, unit: str = "bytes") -> None:
            done[label] = [total or 0, 0]

        def advance(self, amount: int) -> None:
            done[list(done)[-1]][1] += amount

        def note(self, text: str) -> None: ...

    assert list(store.check(full=True, progress=Watch())) == []
    assert all(total == count for total, count in done.values())
    assert done["checking contents"] == [20, 20]


def test_a_pack_that_another_process_replaces_meanwhile_is_no_damage(folder: Path) -> None:
    for number in range(3):
        with ObjectStore(folder / "objects", folder / "tmp").writer() as writer:
            for other in range(9):
                writer.put(b"%d %d" % (number, other))
            writer.publish()

    class Gathering(Silent):
        def advance(self, amount: int) -> None:
            ObjectStore(folder / "objects", folder / "tmp").consolidate()

    assert list(ObjectStore(folder / "objects", folder / "tmp").check(progress=Gathering())) == []


@pytest.fixture
def covered(store, monkeypatch) -> Path:
    """Return the index that covers three packs."""
    monkeypatch.setattr(index_upkeep, "MOST_SINGLE", 1)
    for number in range(3):
        with store.writer() as writer:
            for other in range(9):
                writer.put(b"%d %d" % (number, other))
            writer.publish()
    (path,) = store.packs.folder.glob("multi-*")
    path.chmod(0o644)
    return path


def test_every_damaged_bit_of_a_multi_pack_index_is_found(store, covered: Path) -> None:
    whole = covered.read_bytes()
    assert list(store.check()) == []
    for at in range(0, len(whole), 11):
        covered.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert [damage.place for damage in ObjectStore(store.folder, store.scratch).check()] == [covered.name]


def test_a_multi_pack_index_that_does_not_fit_its_packs_is_found(store, covered: Path) -> None:
    rows = list(MultiIndex.load(covered).rows())
    names = {row[0] for row in rows}
    name, oid, offset, nbytes, kind = rows[5]
    for wrong in (
        [*rows[:5], (name, oid, offset + 1, nbytes, kind), *rows[6:]],
        rows[:-1],
        [*rows, (name, bytes(32), 16, 1, 1)],
    ):
        covered.write_bytes(build_multi_index(names, wrong))
        (damage,) = ObjectStore(store.folder, store.scratch).check()
        assert (damage.place, damage.oid) == (covered.name, None)
        assert "does not fit pack-" in damage.problem


def test_packs_that_are_gone_are_no_damage_of_a_multi_pack_index(store, covered: Path) -> None:
    drop_pack(next(store.packs.folder.glob("*.pack")))
    assert list(ObjectStore(store.folder, store.scratch).check()) == []
