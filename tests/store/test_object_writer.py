"""Writers make all or nothing durable and choose deltas that pay."""

from __future__ import annotations

import os
import threading
from itertools import pairwise

import numpy as np
import pytest

from modelhub.errors import IntegrityError, InternalError, ModelHubError
from modelhub.oid import oid_of
from modelhub.store.entry import Base
from modelhub.store.item import BYTES, Item
from modelhub.store.object_writer import MAX_DEPTH, ObjectWriter
from modelhub.store.stored_object import StoredObject


def stream(writer: ObjectWriter, data: bytes, item: Item, bases=()) -> str:
    oid = oid_of(data)
    writer.put_stream(
        oid,
        len(data),
        lambda offset, nbytes: data[offset : offset + nbytes],
        item=item,
        bases=[[Base(base)] for base in bases],
    )
    return oid


def keep(store, data: bytes, item: Item, bases=()) -> str:
    with store.writer() as writer:
        oid = stream(writer, data, item, bases)
        writer.publish()
    return oid


def files_in(folder) -> list[str]:
    return sorted(name for _, _, names in os.walk(folder) for name in names)


def test_nothing_is_there_before_publishing_and_all_of_it_after(store) -> None:
    with store.writer() as writer:
        oids = [writer.put(b"%d" % number) for number in range(20)]
        assert all(writer.contains(oid) for oid in oids)
        assert not any(store.contains(oid) for oid in oids)
        result = writer.publish()
    assert result.objects == 20
    assert all(store.contains(oid) for oid in oids)


def test_leaving_without_publishing_leaves_nothing(store, folder) -> None:
    with store.writer() as writer:
        for number in range(20):
            writer.put(b"%d" % number)
    assert files_in(folder) == []
    assert list(store.ids()) == []


def test_an_empty_writer_publishes_nothing(store, folder) -> None:
    with store.writer() as writer:
        assert writer.publish().objects == 0
    assert files_in(folder) == []


def test_few_small_objects_become_loose_and_many_or_large_ones_a_pack(store) -> None:
    for contents, loose in (([b"a"], True), ([b"%d" % n for n in range(9)], False), ([os.urandom(1 << 21)], False)):
        with store.writer() as writer:
            for content in contents:
                writer.put(content)
            assert (writer.publish().pack is None) == loose


def test_the_stored_size_is_what_lies_on_disk(store, folder) -> None:
    for count in (3, 30):
        before = disk_nbytes(folder)
        with store.writer() as writer:
            for number in range(count):
                writer.put(b"%d of %d " % (number, count) * 50)
            result = writer.publish()
        assert disk_nbytes(folder) - before == result.stored_nbytes


def disk_nbytes(folder) -> int:
    return sum(path.stat().st_size for path in (folder / "objects").rglob("*") if path.is_file())


def test_an_object_that_is_there_is_not_read_again(store) -> None:
    oid = keep(store, b"content", BYTES)
    with store.writer() as writer:
        assert writer.put_stream(oid, 7, lambda offset, nbytes: pytest.fail("read"), item=BYTES) is False
        assert writer.publish().objects == 0


def test_unpublished_objects_can_be_read_and_described(store, numbers) -> None:
    item, data, _ = numbers("float32", 60_000)
    with store.writer() as writer:
        small, large = writer.put(b"{}", "tree"), stream(writer, data, item)
        assert writer.read(small, "tree") == b"{}"
        assert writer.read(large) == data
        assert writer.info(large).size == len(data)
        writer.publish()


def test_a_file_that_changes_while_being_read_is_an_error(store, folder) -> None:
    data = bytes(9 << 20)
    reads = {
        "other bytes": lambda offset, nbytes: b"x" * nbytes,
        "too short": lambda offset, nbytes: data[offset : offset + nbytes - 1],
    }
    for read in reads.values():
        with pytest.raises(IntegrityError, match="changed while being read"), store.writer() as writer:
            writer.put_stream(oid_of(data), len(data), read, item=BYTES)
    assert files_in(folder) == []


@pytest.mark.parametrize("nbytes", [1, 100_000])
def test_one_block_that_does_not_have_its_id_is_noticed_before_anything_is_published(
    store, folder, nbytes: int
) -> None:
    with pytest.raises(IntegrityError, match="changed while being read"), store.writer() as writer:
        writer.put_stream(oid_of(b"a" * nbytes), nbytes, lambda offset, size: b"b" * size, item=BYTES)
        writer.publish()
    assert files_in(folder) == []


def test_a_writer_that_failed_cannot_publish(store) -> None:
    data = bytes(9 << 20)
    with store.writer() as writer:
        with pytest.raises(IntegrityError):
            writer.put_stream(oid_of(data), len(data), lambda offset, nbytes: b"b" * nbytes, item=BYTES)
        with pytest.raises(ModelHubError):
            writer.put(b"more")
        with pytest.raises(ModelHubError):
            writer.publish()


def test_a_delta_is_kept_where_it_pays_and_gives_back_the_bytes(store, numbers) -> None:
    item, new, old = numbers("float32", 300_000)
    base = keep(store, old, item)
    oid = keep(store, new, item, ["0" * 64, base])
    info = store.info(oid)
    assert (info.base, info.depth, info.codecs) == (base, 1, ("binned delta",))
    assert store.read(oid) == new


def test_no_base_is_named_where_no_block_uses_it(store, numbers) -> None:
    item, new, old = numbers("float32", 300_000, related=False)
    oid = keep(store, new, item, [keep(store, old, item)])
    assert (store.info(oid).base, store.info(oid).depth) == (None, 0)


def test_blocks_choose_for_themselves(store, numbers) -> None:
    item, new, old = numbers("float32", 3 << 20)
    block = item.block_nbytes
    mixed = old[:block] + new[block : 2 * block] + bytes(block)
    oid = keep(store, mixed, item, [keep(store, old, item)])
    assert store.info(oid).codecs == ("binned delta", "byte planes", "same")
    assert b"".join(store.open(oid).blocks()) == mixed
    assert store.open(oid).read(block - 2, 4) == mixed[block - 2 : block + 2]


def test_a_base_of_another_size_or_cut_is_not_used(store, numbers) -> None:
    item, new, old = numbers("float32", 20_000)
    bases = [keep(store, old[:-4], item), keep(store, old, Item.of("int16"))]
    assert store.info(keep(store, new, item, bases)).base is None


def test_a_base_in_the_same_writer_is_used(store, numbers) -> None:
    item, new, old = numbers("float32", 60_000)
    with store.writer() as writer:
        base = stream(writer, old, item)
        oid = stream(writer, new, item, [base])
        writer.publish()
    assert store.info(oid).base == base
    assert store.read(oid) == new


def test_chains_end_at_the_greatest_depth(store, numbers) -> None:
    item, data, _ = numbers("int32", 2000)
    versions = [data]
    for number in range(MAX_DEPTH + 2):
        versions.append(bytes([number + 1]) + versions[-1][1:])
    oids = [keep(store, versions[0], item)]
    for version in versions[1:]:
        oids.append(keep(store, version, item, [oids[-1]]))
    depths = [store.info(oid).depth for oid in oids]
    assert max(depths) == MAX_DEPTH
    assert all(b in (a + 1, 0) for a, b in pairwise(depths))
    assert [store.read(oid) for oid in oids] == versions


def test_a_damaged_base_does_not_stop_new_work(store, folder, numbers) -> None:
    item, new, old = numbers("float32", 60_000)
    base = keep(store, old, item)
    path = next((folder / "objects" / "loose").rglob("*" + base[2:]))
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    oid = keep(store, new, item, [base])
    assert store.info(oid).base is None
    assert store.read(oid) == new


def test_a_pack_of_the_same_content_is_published_once(store, folder) -> None:
    contents = [b"%d" % number for number in range(20)]
    for _ in range(2):
        with store.writer() as first, store.writer() as second:
            for writer in (first, second):
                for content in contents:
                    writer.put(content)
            names = {first.publish().pack, second.publish().pack}
    assert len(names) == 1
    assert len(files_in(folder)) == 2


def test_empty_objects_of_every_kind_are_objects(store) -> None:
    with store.writer() as writer:
        oids = [writer.put(b"", "blob", item=Item.of("float32")), writer.put(b"", "tree")]
        writer.publish()
    assert [store.read(oids[0]), store.read(oids[1], "tree")] == [b"", b""]
    assert list(store.open(oids[0]).blocks()) == []


def test_a_failed_publication_leaves_nothing(store, folder) -> None:
    store.packs.folder.rmdir()
    with store.writer() as writer:
        for number in range(20):
            writer.put(b"%d" % number)
        with pytest.raises(FileNotFoundError):
            writer.publish()
    assert files_in(folder) == []


def test_deltas_of_deltas_within_one_writer_need_no_thread_but_the_writers(store, numbers) -> None:
    item, *_ = numbers("float32", 1)
    generator = np.random.default_rng(0)
    version = generator.standard_normal(200_000).astype("<f4")
    oids, contents = [], []
    with store.writer() as writer:
        for _ in range(6):
            version = version + generator.standard_normal(version.size).astype("<f4") * np.float32(1e-4)
            contents.append(version.tobytes())
            oids.append(stream(writer, contents[-1], item, oids[-1:]))
        writer.publish()
    assert [store.info(oid).depth for oid in oids] == [0, 1, 2, 3, 4, 5]
    assert [store.read(oid) for oid in oids] == contents


def test_encoding_on_two_chains_of_the_pack_being_written_opens_nothing_on_other_threads(store, monkeypatch) -> None:
    """Several handles on an object are there then; the pack being written is for the thread that writes alone."""
    item, rng = Item.of("float32"), np.random.default_rng(8)
    weights, step = rng.standard_normal((2, 64, 128)).astype(np.float32)
    opened: list[str] = []
    genuine = ObjectWriter._open

    def watched(self: ObjectWriter, oid: str, trail: tuple[str, ...]) -> StoredObject:
        opened.append(threading.current_thread().name)
        return genuine(self, oid, trail)

    monkeypatch.setattr(ObjectWriter, "_open", watched)
    with store.writer(effort="small") as writer:
        oids: list[str] = []
        for number in range(6):
            data = (weights + step * 1e-3 * number**1.5).tobytes()
            oid, before = oid_of(data), [Base(base) for base in oids[:-3:-1]]
            writer.put_stream(oid, len(data), lambda at, n, data=data: data[at : at + n], item=item, bases=[before])
            oids.append(oid)
        assert len(writer.info(oids[-1]).bases) == 2
        writer.publish()
    assert opened
    assert set(opened) == {threading.current_thread().name}
    for number, oid in enumerate(oids):
        assert store.read(oid) == (weights + step * 1e-3 * number**1.5).tobytes()


def in_parts(writer: ObjectWriter) -> tuple[list[bytes], list[str]]:
    """Add five objects in three parts, the last a delta of the first; return what they are and their ids."""
    item, contents = Item.of("float32"), [bytes([number]) * 5000 for number in range(4)]
    base, step = np.random.default_rng(10).standard_normal((2, 40, 64)).astype(np.float32)
    contents += [base.tobytes(), (base + step * np.float32(1e-3)).tobytes()]
    oids = [stream(writer, data, item) for data in (contents[0], contents[4])]
    for number in (1, 5):
        writer.begin_part()
        oids.append(stream(writer, contents[number], item, [oids[1]] if number == 5 else ()))
    return [contents[number] for number in (0, 4, 1, 5)], oids


def test_parts_are_published_one_after_the_other_and_what_is_not_reached_is_not_there(store, folder) -> None:
    with store.writer() as writer:
        contents, oids = in_parts(writer)
        assert [writer.read(oid) for oid in oids] == contents
        parts = writer.publish_parts()
        first = next(parts)
        assert [store.contains(oid) for oid in oids] == [True, True, False, False]
        second = next(parts)
        assert [store.contains(oid) for oid in oids] == [True, True, True, False]
        assert (first.objects, second.objects, first.pack == second.pack) == (2, 1, False)
    assert [store.read(oid) for oid in oids[:3]] == contents[:3]
    assert not store.contains(oids[3])
    assert not any(name.endswith(".tmp") for name in files_in(folder))


def test_a_part_may_build_on_an_earlier_one_and_what_all_take_is_known_before(store) -> None:
    with store.writer() as writer:
        contents, oids = in_parts(writer)
        expected = writer.nbytes_as_packs()
        assert store.packs.view.packs == frozenset()
        results = list(writer.publish_parts())
    assert sum(result.stored_nbytes for result in results) == expected
    assert store.info(oids[3]).bases == (oids[1],)
    assert [store.read(oid) for oid in oids] == contents


def test_parts_are_not_published_as_one(store) -> None:
    with store.writer() as writer:
        in_parts(writer)
        with pytest.raises(InternalError):
            writer.publish()
    assert list(store.ids()) == []


def test_beginning_a_part_twice_or_before_anything_makes_none(store) -> None:
    with store.writer() as writer:
        writer.begin_part()
        oid = stream(writer, bytes(5000), Item.of("float32"))
        writer.begin_part()
        writer.begin_part()
        assert [result.objects for result in writer.publish_parts()] == [1]
    assert store.contains(oid)


def test_what_is_kept_rests_on_the_copy_that_replaces_its_base(store) -> None:
    """So objects may rest on what lies above their old copy, once that no longer builds on them."""
    item, rng = Item.of("float32"), np.random.default_rng(9)
    weights, step = rng.standard_normal((2, 40, 64)).astype(np.float32)
    contents = [(weights + step * np.float32(1e-3 * number)).tobytes() for number in range(4)]
    with store.writer() as writer:
        oids = [stream(writer, contents[0], item)]
        for data in contents[1:3]:
            oids.append(stream(writer, data, item, [oids[-1]]))
        writer.publish(as_pack=True)
    with store.writer(replacing={oids[0], oids[1]}) as writer:
        stream(writer, contents[1], item)
        stream(writer, contents[0], item, [oids[2]])
        stream(writer, contents[3], item, [oids[0]])
        assert writer.info(oid_of(contents[3])).bases == (oids[0],)
        assert writer.read(oid_of(contents[3])) == contents[3]
