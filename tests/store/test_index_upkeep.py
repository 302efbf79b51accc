"""The indexes over many packs stay few, are written seldom, and follow what becomes of the packs."""

from __future__ import annotations

import errno
import math
import shutil
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modelhub.oid import oid_of
from modelhub.store import index_upkeep
from modelhub.store.object_store import ObjectStore
from modelhub.store.pack.multi_index import MultiIndex

MANY = 3


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_upkeep, "MOST_SINGLE", MANY)


def publish(store: ObjectStore, number: int, count: int = 10) -> list[str]:
    with store.writer() as writer:
        oids = [writer.put(b"%d %d" % (number, one)) for one in range(count)]
        writer.publish()
    return oids


def multis(store: ObjectStore) -> dict[str, MultiIndex]:
    return {path.name: MultiIndex.load(path) for path in store.packs.folder.glob("multi-*.idx")}


def covered(store: ObjectStore) -> list[str]:
    return [name for multi in multis(store).values() for name in multi.packs]


def test_indexes_stay_few_and_each_row_is_written_seldom(store) -> None:
    rounds = 150
    written: dict[str, int] = {}
    most = 0
    for number in range(rounds):
        publish(store, number)
        here = multis(store)
        most = max(most, len(here))
        written.update({name: len(multi) for name, multi in here.items()})
        names = covered(store)
        assert len(names) == len(set(names)) >= number + 1 - MANY
    assert most <= 1 + math.log(rounds / MANY, 1 + index_upkeep.GROWTH)
    assert sum(written.values()) <= rounds * 10 * math.log(rounds / MANY, 1 + 1 / index_upkeep.GROWTH)


def test_an_index_that_is_large_enough_is_not_gathered_any_more(store, monkeypatch) -> None:
    monkeypatch.setattr(index_upkeep, "MOST_ROWS", 100)
    for number in range(40):
        publish(store, number)
    assert max(map(len, multis(store).values())) <= 100
    assert len(covered(store)) >= 40 - MANY


def test_a_pack_with_very_many_objects_keeps_to_its_own_index(store, monkeypatch) -> None:
    monkeypatch.setattr(index_upkeep, "MOST_ROWS", 50)
    large = publish(store, 1000, 60)
    for number in range(9):
        publish(store, number)
    place = store.info(large[0]).place
    assert covered(store)
    assert place not in covered(store)


def test_deleting_and_gathering_leave_no_index_of_packs_that_are_gone(store) -> None:
    oids = [publish(store, number) for number in range(20)]
    store.delete({oid for some in oids[:15] for oid in some})
    assert all(2 * sum(multi.packs[name] for name in multi.packs if name in store.packs.view.packs) >= len(multi)
               for multi in multis(store).values())  # fmt: skip
    assert sorted(store.ids()) == sorted(oid for some in oids[15:] for oid in some)
    store.consolidate()
    assert multis(store) == {}
    assert all(store.contains(oid) for some in oids[15:] for oid in some)


def test_what_a_crash_left_over_goes_with_the_next_writer(store, folder: Path) -> None:
    for number in range(MANY + 1):
        publish(store, number)
    (old,) = multis(store)
    shutil.copy(store.packs.folder / old, folder / "kept")
    for number in range(MANY + 1, 2 * MANY + 2):
        publish(store, number)
    assert old not in multis(store)
    shutil.copy(folder / "kept", store.packs.folder / old)
    publish(store, 100)
    assert old not in multis(store)
    assert list(store.check(full=True)) == []


@pytest.mark.parametrize("place", ["head", "rows"])
def test_a_damaged_index_is_made_anew(store, place: str) -> None:
    for number in range(MANY + 1):
        publish(store, number)
    (name,) = multis(store)
    path = store.packs.folder / name
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:40] + b"rubbish" + whole[47:] if place == "head" else whole[:-7] + b"rubbish")
    again = ObjectStore(store.folder, store.scratch)
    assert [damage.place for damage in again.check()] == [name]
    again.consolidate() if place == "rows" else publish(again, 0)
    assert list(again.check(full=True)) == []
    assert all(again.contains(oid_of(b"%d 0" % number)) for number in range(MANY + 1))


def test_a_damaged_index_is_noticed_when_it_is_gathered(store, monkeypatch) -> None:
    for number in range(MANY + 1):
        publish(store, number)
    (name,) = multis(store)
    with monkeypatch.context() as patch:
        patch.setattr(index_upkeep, "MOST_SINGLE", 100)
        for number in range(MANY + 1, 2 * MANY + 2):
            publish(store, number)
    path = store.packs.folder / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-7] + b"rubbish")
    again = ObjectStore(store.folder, store.scratch)
    again.packs.keep_indexes(again.scratch)
    assert name not in multis(again)
    assert len(covered(again)) == 2 * MANY + 2
    assert list(again.check(full=True)) == []


def test_the_index_of_a_newer_version_is_neither_used_nor_removed(store) -> None:
    data = bytearray(b"\x89MHM\r\n\x1a\n" + bytes(8))
    data[8] = 9
    path = store.packs.folder / f"multi-{blake3(data).hexdigest()[:40]}.idx"
    path.write_bytes(data)
    oids = [oid for number in range(9) for oid in publish(store, number)]
    assert path.read_bytes() == data
    assert all(store.contains(oid) for oid in oids)


def test_a_full_disk_does_not_fail_what_is_durable_already(store, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(index_upkeep, "publish_index", full)
        oids = [oid for number in range(9) for oid in publish(store, number)]
        assert multis(store) == {}
    assert all(store.contains(oid) for oid in oids)
    publish(store, 9)
    assert len(covered(store)) == 10


class PacksMachine(RuleBasedStateMachine):
    """Packs and their indexes come, go and are damaged; every reader, however old, knows exactly what is there."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.home = Path(tempfile.mkdtemp(prefix="mh-packs-"))
        ObjectStore.create(self.home / "objects")
        (self.home / "tmp").mkdir()
        self.there: set[str] = set()
        self.ever: set[str] = set()
        self.readers = [self.opened()]
        self.taken_away: list[tuple[Path, bytes]] = []

    def opened(self) -> ObjectStore:
        return ObjectStore(self.home / "objects", self.home / "tmp", workers=1)

    def multis(self) -> list[Path]:
        return sorted((self.home / "objects" / "packs").glob("multi-*.idx"))

    @rule(number=st.integers(0, 12), count=st.integers(9, 14))
    def publish(self, number: int, count: int) -> None:
        oids = publish(self.opened(), number, count)
        self.there.update(oids)
        self.ever.update(oids)

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        gone = data.draw(st.sets(st.sampled_from(sorted(self.there)), min_size=1))
        self.opened().delete(gone)
        self.there -= gone

    @rule()
    def gather(self) -> None:
        self.opened().consolidate()

    @rule()
    def open_another(self) -> None:
        self.readers = [*self.readers[-2:], self.opened()]

    @precondition(lambda self: self.multis())
    @rule(data=st.data())
    def harm(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.multis()))
        whole = path.read_bytes()
        self.taken_away.append((path, whole))
        at = data.draw(st.integers(0, len(whole) - 1))
        path.unlink()
        how = data.draw(st.sampled_from(["remove", "cut", "flip"]))
        if how == "cut":
            path.write_bytes(whole[:at])
        elif how == "flip":
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])

    @precondition(lambda self: self.taken_away)
    @rule(data=st.data())
    def bring_back(self, data: st.DataObject) -> None:
        path, whole = data.draw(st.sampled_from(self.taken_away))
        path.unlink(missing_ok=True)
        path.write_bytes(whole)

    @invariant()
    def everybody_knows_what_is_there(self) -> None:
        for store in (*self.readers, self.opened()):
            for oid in self.there:
                assert oid_of(store.read(oid)) == oid
            assert set(store.ids()) == self.there
            assert not any(store.contains(oid) for oid in self.ever - self.there)

    def teardown(self) -> None:
        shutil.rmtree(self.home)


PacksMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPacks = pytest.mark.usefixtures("few_are_many")(PacksMachine.TestCase)
