"""Loose objects lie under their id and are never overwritten."""

from __future__ import annotations

import pytest

from modelhub.errors import IntegrityError
from modelhub.oid import oid_of


def put(store, data: bytes) -> str:
    with store.writer() as writer:
        oid = writer.put(data)
        writer.publish()
    return oid


def test_the_path_is_the_id_after_its_first_two_digits(store, folder) -> None:
    oid = put(store, b"x")
    path = folder / "objects" / "loose" / oid[:2] / oid[2:]
    assert path.is_file()
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_loose_object_that_is_there_is_kept(store) -> None:
    oid = put(store, b"x")
    entry = store.loose.entry(oid)
    before = store.loose.path(oid).stat()
    assert store.loose.write(entry, store.scratch) == before.st_size
    assert store.loose.path(oid).stat().st_ino == before.st_ino


def test_a_loose_object_under_another_id_is_refused(store) -> None:
    oid, other = put(store, b"x"), oid_of(b"y")
    store.loose.path(other).parent.mkdir(exist_ok=True)
    store.loose.path(other).write_bytes(store.loose.path(oid).read_bytes())
    with pytest.raises(IntegrityError, match="holds another object"):
        store.read(other)


def test_other_files_in_the_folders_are_no_objects(store, folder) -> None:
    oid = put(store, b"x")
    (folder / "objects" / "loose" / oid[:2] / "left-over").touch()
    (folder / "objects" / "loose" / "README").touch()
    assert list(store.loose.ids()) == [oid]
