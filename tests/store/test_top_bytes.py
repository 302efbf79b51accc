"""The high-order bytes of an object are read without the rest where its planes are separate, and are right anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.store_reads import StoreReads, hurt_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError, InvalidInputError
from modelhub.oid import oid_of
from modelhub.store.codecs.separate_planes import head_nbytes
from modelhub.store.entry import Base
from modelhub.store.item import FLOAT_KINDS, Item
from modelhub.store.object_store import ObjectStore
from modelhub.store.stored_object import StoredObject
from modelhub.store.top_bytes import Top


def put(store: ObjectStore, data: bytes, kind: str, *, effort="separate", base: str | Base | None = None) -> str:
    with store.writer(effort=effort) as writer:
        bases = [] if base is None else [[base if isinstance(base, Base) else Base(base)]]
        item = Item.of(kind)
        writer.put_stream(oid_of(data), len(data), lambda at, n: data[at : at + n], item=item, bases=bases)
        writer.publish(as_pack=True)
    return oid_of(data)


def with_top(data: bytes, width: int, top: int) -> np.ndarray:
    whole = np.frombuffer(data, np.uint8).reshape(-1, width)
    return whole[:, width - top :]


@pytest.mark.parametrize("kind", FLOAT_KINDS)
def test_only_the_planes_asked_for_are_read(store, numbers, monkeypatch, kind: str) -> None:
    item, data, _ = numbers(kind, 100_000)
    one = store.open(put(store, data, kind))
    assert one.info.codecs == ("separate planes",)
    one.read(0, 1)
    before = 0
    for top in range(1, item.nbytes + 1):
        with StoreReads(monkeypatch) as reads:
            got = one.read(0, len(data), Top(top, item.nbytes))
        assert np.array_equal(with_top(got, item.nbytes, top), with_top(data, item.nbytes, top))
        assert before < reads.nbytes <= one.entry.record.frames[0].nbytes
        if top == 1:
            assert reads.nbytes < head_nbytes(item) + len(data) // item.nbytes
        before = reads.nbytes


def test_of_many_blocks_only_those_of_the_slice_are_read(store, monkeypatch) -> None:
    data = (np.random.default_rng(0).standard_normal((1 << 20) * 5 // 2) * 0.05).astype(np.float32).tobytes()
    one = store.open(put(store, data, "float32"))
    offset = 3 * (1 << 22) // 2
    with StoreReads(monkeypatch) as reads:
        got = one.read(offset, 4000, Top(1, 4))
    assert np.array_equal(with_top(got, 4, 1), with_top(data[offset : offset + 4000], 4, 1))
    assert reads.nbytes < one.entry.record.frames[1].nbytes // 4
    whole = one.read(0, len(data), Top(2, 4))
    assert np.array_equal(with_top(whole, 4, 2), with_top(data, 4, 2))


@pytest.mark.parametrize("effort", ["fast", "small"])
@pytest.mark.parametrize("top", [Top(1, 4), Top(2, 4), Top(4, 4), Top(9, 4), Top(1, 2)])
def test_other_objects_give_the_same_and_read_all(store, numbers, effort: str, top: Top) -> None:
    _, data, old = numbers("float32", 5000)
    for oid in (
        put(store, old, "float32", effort=effort),
        put(store, data, "float32", effort=effort, base=oid_of(old)),
    ):
        assert store.open(oid).read(0, len(data), top) == store.read(oid)


def test_a_delta_of_separate_planes_is_right(store, numbers) -> None:
    _, data, old = numbers("float32", 5000)
    base = put(store, old, "float32")
    one = store.open(put(store, data, "float32", effort="small", base=base))
    assert one.info.bases == (base,)
    assert one.read(0, len(data), Top(1, 4)) == data


def test_a_block_that_equals_its_base_is_read_from_there(store, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    old = (rng.standard_normal((1 << 20) + 500) * 0.05).astype(np.float32)
    new = old.copy()
    new[-1] += 1
    base = put(store, old.tobytes(), "float32")
    one = store.open(put(store, new.tobytes(), "float32", effort="small", base=base))
    assert "same" in one.info.codecs
    assert len(one.foundation) == 1
    with StoreReads(monkeypatch) as reads:
        got = one.read(0, 4 << 20, Top(1, 4))
    assert np.array_equal(with_top(got, 4, 1), with_top(new.tobytes()[: 4 << 20], 4, 1))
    assert reads.nbytes < 1 << 20


def test_damage_matters_only_in_the_planes_that_are_read(store, numbers) -> None:
    _, data, _ = numbers("float32", 100_000)
    entry = store.open(put(store, data, "float32")).entry
    hurt_frame(store, entry, 0, at=entry.record.frames[0].nbytes - 1)
    again = ObjectStore(store.folder, store.scratch)
    one = again.open(entry.record.oid)
    assert np.array_equal(with_top(one.read(0, len(data), Top(2, 4)), 4, 2), with_top(data, 4, 2))
    with pytest.raises(IntegrityError):
        one.read(0, len(data))
    for at in (0, 30, head_nbytes(Item.of("float32")) + 5):
        hurt_frame(store, entry, 0, at=at)
        with pytest.raises(IntegrityError, match=f"object {entry.record.oid}.*block 0"):
            again.open(entry.record.oid).read(0, len(data), Top(1, 4))
        hurt_frame(store, entry, 0, at=at)
    assert [damage.oid for damage in again.check()] == [entry.record.oid]


def matrix(rows: int, columns: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((rows, columns)) * 0.05).astype(np.float32)


@pytest.mark.parametrize("top", [None, Top(1, 4), Top(3, 4)])
def test_a_slice_of_a_delta_on_a_transpose_is_right(store, top: Top | None) -> None:
    old = matrix(700, 3000, 0)
    new = np.ascontiguousarray(old.T) + matrix(3000, 700, 1) * np.float32(1e-3)
    base = put(store, old.tobytes(), "float32")
    one = store.open(put(store, new.tobytes(), "float32", effort="small", base=Base(base, rows=700)))
    assert one.entry.record.bases == (Base(base, rows=700),)
    start, nbytes = 1500 * 2800 - 400, 8000
    assert one.read(start, nbytes, top) == new.tobytes()[start : start + nbytes]


@pytest.mark.parametrize("top", [None, Top(1, 4), Top(3, 4)])
def test_a_slice_of_a_cast_is_right(store, top: Top | None) -> None:
    wide = matrix(1500, 1000, 0)
    narrow = (wide.view(np.uint32) >> 16).astype(np.uint16)
    back = (narrow.astype(np.uint32) << 16).view(np.float32)
    base = put(store, narrow.tobytes(), "bfloat16")
    data = back.tobytes()
    one = store.open(put(store, data, "float32", effort="small", base=Base(base, is_converted=True)))
    assert one.info.codecs == ("same",)
    assert one.read(4_000_000, 500_000, top) == data[4_000_000:4_500_000]


@pytest.fixture(scope="module")
def many_ways(tmp_path_factory) -> list[tuple[StoredObject, bytes]]:
    """The same kind of numbers kept with separate planes, as small as can be, and as a delta; two blocks each."""
    folder = tmp_path_factory.mktemp("store")
    ObjectStore.create(folder / "objects")
    (folder / "tmp").mkdir()
    store = ObjectStore(folder / "objects", folder / "tmp")
    first = matrix((1 << 20) + 3000, 1, 0)
    contents = [(first + np.float32(number) * matrix(len(first), 1, 1)).tobytes() for number in (0, 1e-3, 1e-2)]
    oids = [put(store, contents[0], "float32"), put(store, contents[1], "float32", effort="fast")]
    oids.append(put(store, contents[2], "float32", effort="small", base=oids[0]))
    return [(store.open(oid), data) for oid, data in zip(oids, contents, strict=True)]


@settings(max_examples=40)
@given(data=st.data(), number=st.integers(0, 2), top=st.integers(1, 5))
def test_every_slice_has_the_right_high_order_bytes(many_ways, data: st.DataObject, number: int, top: int) -> None:
    one, content = many_ways[number]
    edge = st.sampled_from([0, 1, 1 << 20, (1 << 20) - 1, len(content) // 4]) | st.integers(0, len(content) // 4)
    start, end = sorted((data.draw(edge), data.draw(edge)))
    got = one.read(4 * start, 4 * (end - start), Top(top, 4))
    expected = content[4 * start : 4 * end]
    assert np.array_equal(with_top(got, 4, min(top, 4)), with_top(expected, 4, min(top, 4)))
    for offset, nbytes in ((-1, 4), (0, len(content) + 1), (len(content), 1), (4, -4)):
        with pytest.raises(InvalidInputError):
            one.read(offset, nbytes, Top(top, 4))
