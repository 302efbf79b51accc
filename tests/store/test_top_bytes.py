"""The high-order bytes of an object are read without the rest where its planes are separate, and are right anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.store_reads import StoreReads, hurt_frame

from modelhub.errors import IntegrityError
from modelhub.oid import oid_of
from modelhub.store.codecs.separate_planes import head_nbytes
from modelhub.store.entry import Base
from modelhub.store.item import FLOAT_KINDS, Item
from modelhub.store.object_store import ObjectStore
from modelhub.store.top_bytes import Top


def put(store: ObjectStore, data: bytes, kind: str, *, effort="separate", base: str | None = None) -> str:
    with store.writer(effort=effort) as writer:
        bases = [[Base(base)]] if base is not None else []
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
    one.open_chain()
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
