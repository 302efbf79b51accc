"""Count what is read from the files of a store, and damage one frame of an object."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelhub.store.entry import Entry
from modelhub.store.object_store import ObjectStore
from modelhub.store.stored_file import StoredFile


class StoreReads:
    """Counts the bytes that are read from loose objects and packs while it is entered; reading goes on as before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.nbytes = 0

    def __enter__(self) -> StoreReads:
        original = StoredFile.read_at

        def counted(file: StoredFile, offset: int, nbytes: int) -> bytes:
            self.nbytes += nbytes
            return original(file, offset, nbytes)

        self._patched = self._monkeypatch.context()
        self._patched.__enter__().setattr(StoredFile, "read_at", counted)
        return self

    def __exit__(self, *_: object) -> None:
        self._patched.__exit__(None, None, None)


def hurt_frame(store: ObjectStore, entry: Entry, index: int, *, at: int = 0) -> None:
    """Flip a bit of the stored bytes of one block; `at` counts from the frame's first byte."""
    path = _file_of(store, entry)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[entry.starts[index] + at] ^= 1
    path.write_bytes(data)


def _file_of(store: ObjectStore, entry: Entry) -> Path:
    if entry.source.name == "loose":
        return store.loose.path(entry.record.oid)
    return store.packs.folder / f"{entry.source.name.removesuffix('.pack')}.pack"
