"""Deleting and gathering leave every other object readable at every moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelhub.oid import oid_of
from modelhub.store.entry import Base
from modelhub.store.object_store import ObjectStore
from modelhub.store.prune import freed_nbytes, settle


def fill(store: ObjectStore, *contents: bytes) -> list[str]:
    with store.writer() as writer:
        oids = [writer.put(content) for content in contents]
        writer.publish()
    return oids


def disk_nbytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "objects").rglob("*") if path.is_file())


def test_deleted_objects_are_gone_and_the_rest_stays(store, folder) -> None:
    loose = fill(store, b"loose 1", b"loose 2")
    packed = fill(store, *(b"%d" % number * 100 for number in range(30)))
    before = disk_nbytes(folder)
    freed = store.delete({loose[0], *packed[:15]})
    assert freed == before - disk_nbytes(folder) > 0
    assert sorted(store.ids()) == sorted([loose[1], *packed[15:]])
    assert [store.read(oid) for oid in packed[15:]] == [b"%d" % number * 100 for number in range(15, 30)]
    assert list(store.check(full=True)) == []


def test_a_pack_with_nothing_left_goes_altogether(store, folder) -> None:
    oids = fill(store, *(b"%d" % number for number in range(30)))
    store.delete(set(oids))
    assert list((folder / "objects" / "packs").iterdir()) == []
    assert store.delete(set(oids)) == 0


def test_readers_that_were_open_keep_reading(store, folder) -> None:
    contents = [b"%d" % number * 3000 for number in range(30)]
    oids = fill(store, *contents)
    before, lazy = ObjectStore(folder / "objects", folder / "tmp"), ObjectStore(folder / "objects", folder / "tmp")
    handle = before.open(oids[20])
    assert lazy.contains(oids[21])
    store.delete(set(oids[:10]))
    assert bytes(handle.block(0)) == contents[20]
    assert before.read(oids[22]) == contents[22]
    assert lazy.read(oids[23]) == contents[23]


def test_gathering_makes_one_pack_of_loose_objects_and_small_packs(store, folder) -> None:
    oids = (
        fill(store, b"a", b"b")
        + fill(store, *(b"%d" % n for n in range(20)))
        + fill(store, *(b"x%d" % n for n in range(20)))
    )
    expected = {oid: store.read(oid) for oid in oids}
    other = ObjectStore(folder / "objects", folder / "tmp")
    assert other.contains(oids[0])
    result = store.consolidate()
    assert (result.objects, len(list(store.packs)), list(store.loose.ids())) == (42, 1, [])
    assert {oid: store.read(oid) for oid in oids} == expected
    assert {oid: other.read(oid) for oid in oids} == expected
    assert store.consolidate().objects == 0


def test_gathering_keeps_deltas_as_they_are(store, numbers) -> None:
    item, new, old = numbers("float32", 60_000)
    with store.writer() as writer:
        base = writer.put(old, item=item)
        writer.publish()
    with store.writer() as writer:
        oid = oid_of(new)
        writer.put_stream(oid, len(new), lambda at, n: new[at : at + n], item=item, bases=[[Base(base)]])
        writer.publish()
    before = store.info(oid)
    store.consolidate()
    after = store.info(oid)
    assert (after.base, after.stored_nbytes, after.codecs) == (base, before.stored_nbytes, before.codecs)
    assert store.read(oid) == new


def test_gathering_leaves_damaged_files_alone(store) -> None:
    good, bad = fill(store, b"good" * 200, b"bad" * 200)
    path = store.loose.path(bad)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    store.consolidate()
    assert store.info(good).place.startswith("pack-")
    assert path.exists()
    assert [damage.oid for damage in store.check()] == [bad]


def test_a_lost_index_is_written_again_by_the_next_writer(store, folder) -> None:
    oids = fill(store, *(b"%d" % number for number in range(30)))
    (index,) = (folder / "objects" / "packs").glob("*.idx")
    content = index.read_bytes()
    for harm in (index.unlink, lambda: (index.chmod(0o644), index.write_bytes(b"rubbish"))):
        harm()
        again = ObjectStore(folder / "objects", folder / "tmp")
        assert again.read(oids[3]) == b"3"
        with again.writer() as writer:
            writer.publish()
        assert index.read_bytes() == content


def test_what_deleting_would_free_is_what_it_frees(store, folder) -> None:
    oids = [*fill(store, b"loose 1", b"loose 2"), *fill(store, *(b"%d" % n * 100 for n in range(30)))]
    oids += fill(store, *(b"x%d" % n for n in range(20)))
    doomed = {oids[0], *oids[5:9], *oids[32:]}
    expected = freed_nbytes(store, doomed)
    assert expected == store.delete(doomed) > 0
    assert freed_nbytes(store, doomed) == 0


def test_no_loss_of_power_brings_back_a_copy_that_settling_removed(
    store, folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose, *packed = fill(store, b"loose") + fill(store, *(b"%d" % n * 100 for n in range(12)))
    with store.writer(replacing={loose, *packed[:3]}) as writer:
        for content in (b"loose", *(b"%d" % n * 100 for n in range(3))):
            writer.put(content)
        prefer = writer.publish(as_pack=True).pack
    waiting: set[Path] = set()
    removed: list[str] = []
    unlink, fsync = os.unlink, os.fsync

    def unlinked(path: Path) -> None:
        unlink(path)
        removed.append(path.suffix)
        waiting.add(path.parent)

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        waiting.discard(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlinked)
        patched.setattr(os, "fsync", synced)
        settle(store, prefer=prefer)
    assert {"", ".pack", ".idx"} <= set(removed)
    assert waiting <= {folder / "tmp"}


def test_settling_again_after_it_was_killed_before_it_dropped_a_pack_loses_nothing(store, folder, monkeypatch) -> None:
    """Then the pack, and what stays of it, are both there, and either may be the one that is looked at first."""
    orders = set()
    for turn in range(12):
        contents = [b"%d of turn %d" % (n, turn) * 40 for n in range(12)]
        oids = fill(store, *contents)
        with store.writer(replacing={oids[0]}, effort="fast") as writer:
            writer.put(contents[0])
            prefer = writer.publish(as_pack=True).pack
        (old,) = {one.name for one in store.packs if one.find(bytes.fromhex(oids[1]))}
        with monkeypatch.context() as patch:
            patch.setattr("modelhub.store.prune.drop_pack", killed)
            with pytest.raises(KeyboardInterrupt):
                settle(store, prefer=prefer)
        store.refresh()
        (rest,) = {one.name for one in store.packs if one.find(bytes.fromhex(oids[1]))} - {old}
        orders.add(old < rest)
        settle(store)
        assert [store.read(oid) for oid in oids] == contents
        assert sum(len(reader.index) for reader in store.packs) == len(list(store.ids()))
    assert orders == {False, True}


def killed(*_: object) -> None:
    raise KeyboardInterrupt
