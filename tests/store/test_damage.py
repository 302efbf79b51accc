"""No damaged byte in any file of the store goes unnoticed or gives wrong content."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelhub.errors import FormatError, ObjectNotFound
from modelhub.oid import oid_of
from modelhub.store.block_encoder import Effort
from modelhub.store.entry import Base
from modelhub.store.item import Item
from modelhub.store.object_store import ObjectStore
from modelhub.store.stored_object import StoredObject


@pytest.fixture
def contents(numbers) -> dict[str, tuple[bytes, str]]:
    """Objects of every codec, small enough to try every bit of the files they make."""
    _, new, old = numbers("float32", 80)
    everything = {"tree": (b"{}", "tree"), "text": (b"to be or not to be " * 30, "blob"), "empty": (b"", "blob")}
    everything.update({"base": (old, "blob"), "new": (new, "blob"), "near": (old[:-4] + bytes(4), "blob")})
    return everything | {f"commit {number}": (b"{%d}" % number, "commit") for number in range(3)}


@pytest.fixture
def packed(store, contents) -> dict[str, tuple[bytes, str]]:
    """Return oid -> (content, kind) of everything in one pack."""
    with store.writer() as writer:
        done = {writer.put(data, kind): (data, kind) for data, kind in contents.values() if len(data) != 320}
        for data, _ in contents.values():
            if len(data) == 320:
                oid = oid_of(data)
                bases = [one for one, (other, _) in done.items() if len(other) == 320]
                item = Item.of("float32")
                writer.put_stream(
                    oid,
                    320,
                    lambda at, n, data=data: data[at : at + n],
                    item=item,
                    bases=[[Base(base)] for base in bases],
                )
                done[oid] = (data, "blob")
        assert writer.publish().pack
    return done


def damage_every_bit(path: Path, *, all_eight: bool = False):
    """Put versions of a file in its place: one bit (or all eight) of every byte flipped, then cut at every byte."""
    whole = path.read_bytes()
    path.chmod(0o644)
    for at in range(len(whole)):
        for bit in range(8) if all_eight else [(at * 5 + at // 8) % 8]:
            hurt = bytearray(whole)
            hurt[at] ^= 1 << bit
            path.write_bytes(hurt)
            yield f"bit {bit} of byte {at}"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        yield f"cut to {length}"
    path.write_bytes(whole)


def read_all(folder: Path, expected: dict[str, tuple[bytes, str]]) -> int:
    """Read everything with a fresh store; return how many objects could not be. Wrong content fails the test."""
    store = ObjectStore(folder / "objects", folder / "tmp", workers=1)
    missed = 0
    for oid, (content, kind) in expected.items():
        try:
            assert store.read(oid, kind) == content
        except (FormatError, ObjectNotFound):
            missed += 1
    store.close()
    return missed


def complaints(folder: Path) -> list[str]:
    store = ObjectStore(folder / "objects", folder / "tmp", workers=1)
    found = [damage.problem for damage in store.check(full=False)]
    store.close()
    return found


def test_every_damaged_bit_of_a_pack_is_noticed(folder, packed) -> None:
    (path,) = (folder / "objects" / "packs").glob("*.pack")
    for what in damage_every_bit(path):
        read_all(folder, packed)
        assert complaints(folder), what
    assert read_all(folder, packed) == 0
    assert complaints(folder) == []


def test_a_damaged_index_costs_nothing_because_the_footer_stands_in(folder, packed) -> None:
    (path,) = (folder / "objects" / "packs").glob("*.idx")
    for what in damage_every_bit(path):
        assert read_all(folder, packed) == 0, what
        assert complaints(folder), what


def test_a_pack_damaged_after_its_index_was_lost_gives_nothing_wrong(folder, packed) -> None:
    (index,) = (folder / "objects" / "packs").glob("*.idx")
    index.unlink()
    assert read_all(folder, packed) == 0
    (path,) = (folder / "objects" / "packs").glob("*.pack")
    for _ in damage_every_bit(path):
        read_all(folder, packed)


def test_every_damaged_bit_of_a_loose_object_is_noticed(store, folder) -> None:
    with store.writer() as writer:
        oid = writer.put(b"to be or not to be " * 30)
        writer.publish()
    (path,) = (path for path in (folder / "objects" / "loose").rglob("*") if path.is_file())
    for what in damage_every_bit(path, all_eight=True):
        read_all(folder, {oid: (b"to be or not to be " * 30, "blob")})
        assert complaints(folder), what


def test_a_missing_base_is_reported_with_its_object(store, folder, numbers) -> None:
    item, new, old = numbers("float32", 2000)
    with store.writer() as writer:
        base = writer.put(old, item=item)
        writer.publish()
    oid = oid_of(new)
    with store.writer() as writer:
        writer.put_stream(oid, len(new), lambda at, n: new[at : at + n], item=item, bases=[[Base(base)]])
        writer.publish()
    store.loose.path(base).unlink()
    with pytest.raises(FormatError, match=f"builds on object {base}, which is missing"):
        store.read(oid)
    (damage,) = store.check(full=False)
    assert (damage.oid, damage.place) == (oid, "loose")


@pytest.mark.parametrize("effort", ["fast", "small"])
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "int32"])
def test_damage_of_a_base_is_reported_as_that_of_the_base(store, folder, numbers, kind: str, effort: Effort) -> None:
    item, _, first = numbers(kind, 6000)
    chain = [first]
    for place in (0, 1000, 2000):
        near = numbers(kind, 6000, seed=place)[1]
        chain.append(chain[-1][: place * item.nbytes] + near[place * item.nbytes :])
    oids = [oid_of(data) for data in chain]
    for index, data in enumerate(chain):
        bases = [[Base(one) for one in oids[max(index - 2, 0) : index]], [Base(oids[index - 1])]] if index else []
        with store.writer() as writer:
            writer.put_stream(
                oids[index],
                len(data),
                lambda at, n, data=data: data[at : at + n],
                item=item,
                row_items=60,
                bases=bases,
                effort=effort,
            )
            writer.publish()
    below = built_on(store.open(oids[3]))
    assert below
    for oid in oids[:-1]:
        blamed: list[str] = []
        entry = store.open(oid).entry
        path = store.loose.path(oid)
        whole = path.read_bytes()
        path.chmod(0o644)
        for at in range(entry.starts[0], entry.starts[0] + entry.record.frames[0].nbytes, 211):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            store.close()
            store = ObjectStore(folder / "objects", folder / "tmp", workers=1)
            try:
                assert store.read(oids[3]) == chain[3]
            except FormatError as error:
                blamed.append(str(error))
        path.write_bytes(whole)
        assert bool(blamed) == (oid in below), kind
        assert all(f"object {oid} in loose" in problem for problem in blamed)


def built_on(handle: StoredObject) -> set[str]:
    """Return the ids of all that an object rests on."""
    found = {base.handle.oid for base in handle.foundation}
    return found.union(*(built_on(base.handle) for base in handle.foundation))


def test_one_damaged_pack_does_not_hide_another(store, folder, packed) -> None:
    (path,) = (folder / "objects" / "packs").glob("*.pack")
    with store.writer() as writer:
        oid = writer.put(b"x" * 70)
        writer.publish()
    shutil.copy(path, path.with_name(f"pack-{'0' * 40}.pack"))
    hurt = path.with_name(f"pack-{'1' * 40}.pack")
    hurt.write_bytes(b"rubbish")
    assert read_all(folder, packed | {oid: (b"x" * 70, "blob")}) == 0
    assert any(damage.place == hurt.stem for damage in store.check(full=True))
