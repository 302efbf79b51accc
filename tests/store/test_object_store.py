"""The store gives back what was put, by id, wherever it lies."""

from __future__ import annotations

import os
import random

import pytest

from modelhub.errors import IntegrityError, InvalidInputError, ObjectNotFound
from modelhub.oid import oid_of
from modelhub.store.entry import Base
from modelhub.store.item import Item
from modelhub.store.object_store import ObjectStore
from modelhub.store.packs import MAX_OPEN_FILES


def fill(store: ObjectStore, *contents: bytes, kind="blob") -> list[str]:
    with store.writer() as writer:
        oids = [writer.put(content, kind) for content in contents]
        writer.publish()
    return oids


def test_what_was_put_is_read_back_from_loose_and_from_packs(store) -> None:
    few = [b"", b"a", b"b" * 5000]
    many = [b"object %d" % number * number for number in range(1, 41)]
    for contents, packed in ((few, False), (many, True)):
        oids = fill(store, *contents)
        assert [store.read(oid) for oid in oids] == contents
        assert all(store.contains(oid) for oid in oids)
        assert all((store.info(oid).place != "loose") == packed for oid in oids)


def test_a_blob_is_named_by_the_plain_hash_of_its_bytes(store) -> None:
    assert fill(store, b"hello") == [oid_of(b"hello")]


def test_a_kind_cannot_pass_for_another(store) -> None:
    (oid,) = fill(store, b"{}", kind="tree")
    assert oid != oid_of(b"{}")
    with pytest.raises(IntegrityError, match="is a tree, not a commit"):
        store.read(oid, "commit")


def test_a_missing_object_is_named(store) -> None:
    with pytest.raises(ObjectNotFound, match=oid_of(b"nowhere")):
        store.read(oid_of(b"nowhere"))
    with pytest.raises(ObjectNotFound):
        store.open(oid_of(b"nowhere"))


def test_a_limit_refuses_larger_objects_before_decoding(store) -> None:
    (oid,) = fill(store, bytes(10_000))
    assert store.read(oid, limit=10_000) == bytes(10_000)
    with pytest.raises(InvalidInputError, match="more than the 9999"):
        store.read(oid, limit=9999)


def test_prefixes_find_ids_in_loose_and_packed_objects(store) -> None:
    oids = fill(store, b"loose") + fill(store, *(b"%d" % number for number in range(30)))
    for oid in oids:
        assert store.find(oid[:6]) == sorted(other for other in oids if other.startswith(oid[:6]))
        assert store.find(oid) == [oid]
    assert store.find("0" * 63) == []
    assert store.find("not hex") == []


def test_ids_lists_every_object_once(store) -> None:
    oids = fill(store, b"loose") + fill(store, *(b"%d" % number for number in range(30)))
    assert sorted(store.ids()) == sorted(oids)


def test_a_store_that_was_never_made_is_empty(tmp_path) -> None:
    store = ObjectStore(tmp_path / "none", tmp_path)
    assert list(store.ids()) == []
    assert not store.contains(oid_of(b""))


def test_a_reader_sees_packs_published_after_it_opened(store, folder) -> None:
    reader = ObjectStore(folder / "objects", folder / "tmp")
    assert not reader.contains(oid_of(b"0"))
    first = fill(store, *(b"%d" % number for number in range(20)))
    assert reader.read(first[3]) == b"3"
    second = fill(store, *(b"again %d" % number for number in range(20)))
    assert reader.contains(second[0])
    assert reader.read(second[7]) == b"again 7"


def test_blocks_of_many_objects_come_in_order(store, numbers) -> None:
    contents = [numbers("float32", count, seed=count)[1] for count in (0, 10, 3000, 50_000)] + [b"text"]
    oids = fill(store, *contents)
    assert b"".join(store.blocks([*oids, oids[0], oids[2]])) == b"".join([*contents, contents[0], contents[2]])


def test_slices_are_read_without_the_rest(store) -> None:
    content = random.Random(1).randbytes((9 << 20) + 17)
    (oid,) = fill(store, content)
    found = store.open(oid)
    assert (found.size, found.nblocks, found.block_nbytes) == (len(content), 3, 1 << 22)
    for offset, nbytes in ((0, 0), (0, 10), ((1 << 22) - 3, 7), (len(content) - 5, 5), (100, 9 << 20 >> 1)):
        assert found.read(offset, nbytes) == content[offset : offset + nbytes]
    assert b"".join(found.blocks()) == content
    with pytest.raises(InvalidInputError):
        found.read(len(content), 1)
    with pytest.raises(InvalidInputError):
        found.block(3)


def test_info_tells_how_an_object_is_kept(store, numbers) -> None:
    item, new, old = numbers("float32", 20_000)
    (base,) = fill(store, old)
    oid = oid_of(new)
    with store.writer() as writer:
        writer.put_stream(
            oid, len(new), lambda offset, nbytes: new[offset : offset + nbytes], item=item, bases=[[Base(base)]]
        )
        writer.publish()
    info = store.info(oid)
    assert (info.base, info.depth, info.size, info.kind) == (base, 1, len(new), "blob")
    assert (info.codecs, info.place) == (("binned delta",), "loose")
    assert 0 < info.stored_nbytes < len(new)


def test_a_closed_store_can_be_used_again(store) -> None:
    (oid,) = fill(store, bytes(9 << 20))
    store.close()
    assert store.read(oid) == bytes(9 << 20)


def test_many_packs_do_not_use_up_the_open_files(store) -> None:
    oids = []
    for pack in range(80):
        oids += fill(store, *(b"%d %d" % (pack, number) for number in range(9)))
    for oid in oids[::9]:
        store.read(oid)
    assert sum(reader.is_open for reader in store.packs) <= 64


def test_items_of_every_kind_survive_with_a_length_that_does_not_fit(store, numbers) -> None:
    for kind in ("float32", "bfloat16", "int64"):
        data = numbers(kind, 500)[1][:-1]
        with store.writer() as writer:
            oid = writer.put(data, item=Item.of(kind))
            writer.publish()
        assert store.read(oid) == data


def test_many_packs_need_few_descriptors(store) -> None:
    oids = [fill(store, *(b"%d of %d" % (number, pack) for number in range(9)))[0] for pack in range(150)]
    fresh = ObjectStore(store.folder, store.scratch)
    before = len(os.listdir("/dev/fd"))
    assert [fresh.read(oid) for oid in oids] == [b"0 of %d" % pack for pack in range(150)]
    assert list(fresh.check()) == []
    assert len(os.listdir("/dev/fd")) - before <= MAX_OPEN_FILES
    fresh.consolidate()
    assert len(os.listdir("/dev/fd")) - before <= MAX_OPEN_FILES
    fresh.close()
