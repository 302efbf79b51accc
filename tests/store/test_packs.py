"""Whatever becomes of the indexes, the packs hold what they hold."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from modelhub.errors import ObjectNotFound
from modelhub.oid import oid_of
from modelhub.store import index_upkeep
from modelhub.store.object_store import ObjectStore
from modelhub.store.pack.writer import PackWriter, drop_pack
from modelhub.store.packs import Packs

MANY = 3


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_upkeep, "MOST_SINGLE", MANY)


def content(number: int) -> bytes:
    return b"content %d " % number * 9


def publish(folder: Path, numbers: Iterable[int]) -> str:
    store = ObjectStore(folder / "objects", folder / "tmp")
    with store.writer() as writer:
        for number in numbers:
            writer.put(content(number))
        name = writer.publish().pack
    store.close()
    assert name is not None
    return name


def many_packs(folder: Path, count: int) -> list[str]:
    return [publish(folder, range(number * 10, number * 10 + 10)) for number in range(count)]


def multis(folder: Path) -> list[Path]:
    return sorted((folder / "objects" / "packs").glob("multi-*.idx"))


def fresh(folder: Path) -> ObjectStore:
    return ObjectStore(folder / "objects", folder / "tmp", workers=1)


def assert_holds(store: ObjectStore, numbers: Iterable[int], absent: Iterable[int] = range(5000, 5010)) -> None:
    expected = {oid_of(content(number)): content(number) for number in numbers}
    with store.writer() as writer:
        assert all(writer.contains(oid) for oid in expected)
        assert not any(writer.contains(oid_of(content(number))) for number in absent)
    assert {oid: store.read(oid) for oid in expected} == expected
    for number in absent:
        with pytest.raises(ObjectNotFound):
            store.read(oid_of(content(number)))
    assert set(store.ids()) >= expected.keys()
    assert not {oid_of(content(number)) for number in absent} & set(store.ids())
    for oid in list(expected)[:5]:
        assert store.find(oid[:12]) == [oid]
    store.close()


def test_few_packs_get_no_common_index(folder: Path) -> None:
    many_packs(folder, MANY)
    assert multis(folder) == []


def test_objects_of_many_packs_are_found_without_the_packs_own_indexes(folder: Path) -> None:
    names = many_packs(folder, 9)
    for name in names:
        (folder / "objects" / "packs" / f"{name}.idx").unlink()
    packs = Packs(folder / "objects" / "packs")
    for number in range(90):
        entry = packs.entry(oid_of(content(number)))
        assert entry is not None
    assert not packs.holds(oid_of(b"never"))
    opened = [reader for reader in packs if reader.index_problem is not None]
    assert len(opened) == len(packs.view.single) <= MANY
    assert_holds(fresh(folder), range(90))


def test_a_missing_index_of_a_covered_pack_is_written_again(folder: Path) -> None:
    name = many_packs(folder, 9)[0]
    index = folder / "objects" / "packs" / f"{name}.idx"
    whole = index.read_bytes()
    index.unlink()
    with fresh(folder).writer() as writer:
        writer.publish()
    assert index.read_bytes() == whole


def test_lost_and_damaged_common_indexes_cost_nothing_but_time(folder: Path) -> None:
    many_packs(folder, 6)
    path = multis(folder)[0]
    whole = path.read_bytes()
    path.chmod(0o644)
    chance = random.Random(3)
    for at in (*range(0, len(whole), 37), len(whole) - 1):
        hurt = bytearray(whole)
        hurt[at] ^= 1 << chance.randrange(8)
        path.write_bytes(hurt)
        assert_holds(fresh(folder), range(60))
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert_holds(fresh(folder), range(60))
    path.unlink()
    assert_holds(fresh(folder), range(60))


def test_a_damaged_common_index_that_was_opened_before_is_left_out(folder: Path) -> None:
    many_packs(folder, 6)
    store = fresh(folder)
    (path,) = multis(folder)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    for at in range(len(data) - 40 * 53, len(data)):
        data[at] ^= 0xFF
    path.write_bytes(data)
    assert store.packs.view.multis
    assert_holds(store, range(60))
    assert store.packs.view.multis == ()


def test_a_pack_that_is_gone_is_not_taken_for_there(folder: Path) -> None:
    names = many_packs(folder, 9)
    before, knowing = fresh(folder), fresh(folder)
    assert knowing.contains(oid_of(content(5)))
    drop_pack(folder / "objects" / "packs" / f"{names[0]}.pack")
    assert_holds(before, range(10, 90), absent=range(10))
    assert_holds(knowing, range(10, 90), absent=range(10))
    assert publish(folder, range(10)) == names[0]
    assert_holds(fresh(folder), range(90))


def test_the_other_copy_is_found_when_one_pack_of_two_is_gone(folder: Path) -> None:
    many_packs(folder, 2)
    store = fresh(folder)
    with PackWriter(store.scratch) as pack:
        for number in range(20):
            entry = store.packs.entry(oid_of(content(number)))
            assert entry is not None
            pack.copy_entry(entry)
        copy, _ = pack.publish(store.packs.folder)
    for number in range(2, 9):
        publish(folder, range(number * 10, number * 10 + 10))
    for gone in (copy, *(reader.name for reader in Packs(store.packs.folder) if reader.name != copy)):
        place = folder.with_name(f"{folder.name}-{gone}")
        shutil.copytree(folder, place)
        knowing = fresh(place)
        assert knowing.contains(oid_of(content(0)))
        drop_pack(place / "objects" / "packs" / f"{gone}.pack")
        for number in range(20):
            assert knowing.read(oid_of(content(number))) == content(number)
        assert_holds(fresh(place), range(20))


def test_a_reader_that_was_open_keeps_reading_while_indexes_are_replaced(folder: Path) -> None:
    many_packs(folder, 5)
    store = fresh(folder)
    assert store.contains(oid_of(content(0)))
    old = multis(folder)
    for number in range(5, 30):
        publish(folder, range(number * 10, number * 10 + 10))
    assert not set(old) <= set(multis(folder))
    assert_holds(store, range(300))
    store = fresh(folder)
    assert store.contains(oid_of(content(0)))
    fresh(folder).consolidate()
    assert multis(folder) == []
    assert_holds(store, range(300))


def test_reading_writes_nothing(folder: Path) -> None:
    many_packs(folder, 9)
    for path in multis(folder):
        path.unlink()
    before = sorted(path.name for path in (folder / "objects" / "packs").iterdir())
    store = fresh(folder)
    assert all(store.read(oid_of(content(number))) for number in range(90))
    assert sorted(path.name for path in (folder / "objects" / "packs").iterdir()) == before


def test_foreign_files_in_the_folder_are_left_alone(folder: Path) -> None:
    places = [folder / "objects" / "packs" / name for name in ("multi-1.idx", "pack-1.pack", f"pack-{'g' * 40}.pack")]
    for path in places:
        path.write_bytes(b"foreign")
    many_packs(folder, 9)
    assert_holds(fresh(folder), range(90))
    assert [path.read_bytes() for path in places] == [b"foreign"] * 3
    assert len(list(fresh(folder).packs)) == 9


def test_many_threads_look_up_while_packs_come_and_go(folder: Path) -> None:
    many_packs(folder, 4)
    store = fresh(folder)
    failures: list[BaseException] = []
    done = threading.Event()

    def look(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while not done.is_set():
                number = chance.randrange(40)
                assert store.read(oid_of(content(number))) == content(number)
                assert not store.contains(oid_of(b"never %d" % number))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for number in range(4, 16):
        publish(folder, range(number * 10, number * 10 + 10))
        if number % 5 == 0:
            fresh(folder).consolidate()
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
