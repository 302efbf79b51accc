"""A cast and a transpose of a stored tensor cost next to nothing, and come back exactly whatever they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from contracts.codec import SPECIAL

from modelhub.errors import IntegrityError
from modelhub.oid import oid_of
from modelhub.store.entry import Base
from modelhub.store.foundation import MAX_TURNED_NBYTES
from modelhub.store.item import Item
from modelhub.store.object_store import ObjectStore

KINDS = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def keep(store: ObjectStore, data: bytes, kind: str, bases: Sequence[Base] = (), *, row_items: int = 0) -> str:
    oid = oid_of(data)
    with store.writer() as writer:
        writer.put_stream(
            oid,
            len(data),
            lambda offset, nbytes: data[offset : offset + nbytes],
            item=Item.of(kind),
            row_items=row_items,
            bases=[bases] if bases else (),
        )
        writer.publish()
    return oid


def matrix(rows: int, columns: int, seed: int = 1, dtype: str = "float32") -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((rows, columns)) * 0.05).astype(dtype)


def as_kind(values: np.ndarray, kind: str) -> bytes:
    """Return the numbers as this kind, with NaN payloads, minus zeros, infinities and denormals among them."""
    data = bytearray(values.astype(KINDS[kind]).tobytes())
    numbers = np.frombuffer(data, BITS[Item.of(kind).nbytes])
    special = np.array(SPECIAL[kind], dtype=numbers.dtype)
    numbers[: special.size] = special
    return bytes(data)


@pytest.mark.parametrize("old", KINDS)
@pytest.mark.parametrize("new", KINDS)
def test_a_tensor_on_one_of_another_kind_comes_back(store, old: str, new: str) -> None:
    values = matrix(300, 200, dtype="float64")
    base = keep(store, as_kind(values, old), old)
    data = as_kind(values + matrix(300, 200, 2, "float64") * 1e-3, new)
    oid = keep(store, data, new, [Base(base, is_converted=True)])
    assert store.info(oid).bases == (base,)
    assert store.read(oid) == data
    assert list(store.check(full=True)) == []


@pytest.mark.parametrize(("old", "new"), [("float32", "bfloat16"), ("bfloat16", "float32"), ("float32", "float16")])
def test_a_cast_costs_nothing(store, old: str, new: str) -> None:
    stored = matrix(300, 200).astype(KINDS[old])
    base = keep(store, stored.tobytes(), old)
    oid = keep(store, stored.astype(KINDS[new]).tobytes(), new, [Base(base, is_converted=True)])
    assert store.info(oid).stored_nbytes < 200
    assert store.info(oid).codecs == ("same",)


@pytest.mark.parametrize("shape", [(300, 200), (1, 9000), (9000, 1), (1200, 1500)])
def test_a_transpose_costs_nothing_and_comes_back(store, shape: tuple[int, int]) -> None:
    """The last shape has two blocks."""
    stored = matrix(*shape)
    base = keep(store, stored.tobytes(), "float32")
    data = np.ascontiguousarray(stored.T).tobytes()
    if shape[0] == 1 or shape[1] == 1:
        assert oid_of(data) == base
        return
    oid = keep(store, data, "float32", [Base(base, rows=shape[0])])
    assert store.info(oid).stored_nbytes < 250
    assert store.read(oid) == data


@pytest.mark.parametrize("new", KINDS)
def test_a_changed_transpose_of_another_kind_comes_back(store, new: str) -> None:
    stored = matrix(1100, 1000)
    base = keep(store, as_kind(stored, "float32"), "float32")
    changed = stored.T + matrix(1000, 1100, 2, "float64") * 1e-3
    data = as_kind(changed, new)
    oid = keep(store, data, new, [Base(base, rows=1100, is_converted=new != "float32")], row_items=1100)
    assert store.info(oid).bases == (base,)
    assert store.read(oid) == data


def test_any_slice_can_be_read_alone(store) -> None:
    stored = matrix(1100, 1000)
    base = keep(store, stored.tobytes(), "float32")
    data = (stored.T + np.float32(1e-4)).astype(ml_dtypes.bfloat16).tobytes()
    handle = store.open(keep(store, data, "bfloat16", [Base(base, rows=1100, is_converted=True)]))
    assert handle.nblocks == 2
    for offset in (0, 1, handle.block_nbytes - 3, handle.block_nbytes, len(data) - 5):
        assert handle.read(offset, 5) == data[offset : offset + 5]


def test_chains_through_casts_and_transposes_come_back(store) -> None:
    first = matrix(240, 260)
    one = keep(store, first.tobytes(), "float32")
    second = np.ascontiguousarray(first.T + matrix(260, 240, 2) * np.float32(1e-3))
    two = keep(store, second.tobytes(), "float32", [Base(one, rows=240)])
    third = (second + matrix(260, 240, 3) * np.float32(1e-3)).astype(ml_dtypes.bfloat16)
    three = keep(store, third.tobytes(), "bfloat16", [Base(two, is_converted=True)])
    fourth = np.ascontiguousarray(third.T).astype(np.float64)
    four = keep(store, fourth.tobytes(), "float64", [Base(three, rows=260, is_converted=True)])
    both = first + matrix(240, 260, 4) * np.float32(1e-3)
    five = keep(store, both.tobytes(), "float32", [Base(four, is_converted=True), Base(two, rows=260)])
    assert [store.info(oid).depth for oid in (one, two, three, four, five)] == [0, 1, 2, 3, 4]
    assert store.read(four) == fourth.tobytes()
    assert store.read(five) == both.tobytes()
    store.consolidate()
    assert store.read(five) == both.tobytes()
    assert list(store.check(full=True)) == []


def test_two_bases_read_otherwise_are_both_used_and_come_back(store) -> None:
    step = matrix(400, 500, 2) * np.float32(1e-3)
    first = matrix(400, 500)
    second, third = first + step, first + step * np.float32(1.9)
    one = keep(store, np.ascontiguousarray(first.T).tobytes(), "float32")
    two = keep(store, second.astype(np.float64).tobytes(), "float64")
    oid = oid_of(third.tobytes())
    with store.writer(effort="small") as writer:
        writer.put_stream(
            oid,
            third.nbytes,
            lambda offset, nbytes: third.tobytes()[offset : offset + nbytes],
            item=Item.of("float32"),
            row_items=500,
            bases=[[Base(two, is_converted=True), Base(one, rows=500)]],
        )
        writer.publish()
    assert store.info(oid).codecs == ("fitted binned delta of two",)
    assert store.read(oid) == third.tobytes()


@pytest.mark.parametrize(
    "named",
    [
        {"rows": 7},
        {"rows": 300, "is_converted": True},
        {"is_converted": True},
        {},
    ],
)
def test_bases_that_do_not_fit_are_not_used(store, named: dict[str, int]) -> None:
    """Of another size, no matrix of so many rows, or no floats."""
    base = keep(store, matrix(300, 201).tobytes(), "float32")
    data = matrix(200, 300).tobytes()
    assert store.info(keep(store, data, "float32", [Base(base, **named)])).bases == ()


def test_whole_numbers_are_not_read_as_floats(store) -> None:
    whole = np.arange(60_000, dtype=np.int32)
    base = keep(store, whole.tobytes(), "int32")
    data = matrix(200, 300).tobytes()
    oid = keep(store, data, "float32", [Base(base, is_converted=True)])
    assert store.info(oid).bases == ()
    assert store.read(oid) == data


def test_a_matrix_too_large_to_hold_is_not_turned(store, monkeypatch) -> None:
    monkeypatch.setattr("modelhub.store.foundation.MAX_TURNED_NBYTES", 1 << 16)
    assert MAX_TURNED_NBYTES > 1 << 16
    stored = matrix(300, 200)
    base = keep(store, stored.tobytes(), "float32")
    data = np.ascontiguousarray(stored.T).tobytes()
    assert store.info(keep(store, data, "float32", [Base(base, rows=300)])).bases == ()


@pytest.mark.parametrize("named", [{"rows": 300}, {"is_converted": True}])
def test_damage_below_is_named_and_no_wrong_byte_comes_out(folder: Path, named: dict[str, int]) -> None:
    stored = matrix(300, 200)
    store = ObjectStore(folder / "objects", folder / "tmp")
    base = keep(store, stored.tobytes(), "float32")
    turned = stored.T if "rows" in named else stored.astype(np.float64)
    data = np.ascontiguousarray(turned + turned.dtype.type(1e-4)).tobytes()
    oid = keep(store, data, turned.dtype.name, [Base(base, **named)])
    assert store.info(oid).bases == (base,)
    entry, path = store.open(base).entry, store.loose.path(base)
    store.close()
    whole = path.read_bytes()
    path.chmod(0o644)
    for at in range(entry.starts[0], entry.starts[0] + entry.record.frames[0].nbytes, 4099):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :])
        again = ObjectStore(folder / "objects", folder / "tmp")
        with pytest.raises(IntegrityError, match="is damaged"):
            again.read(oid)
        assert base in {damage.oid for damage in again.check(full=False)}
        again.close()


def test_a_base_that_is_gone_is_named(store) -> None:
    stored = matrix(300, 200)
    base = keep(store, stored.tobytes(), "float32")
    oid = keep(store, np.ascontiguousarray(stored.T).tobytes(), "float32", [Base(base, rows=300)])
    store.delete({base})
    with pytest.raises(IntegrityError, match=f"builds on object {base}, which is missing"):
        store.read(oid)
    assert [damage.oid for damage in store.check(full=False)] == [oid]
