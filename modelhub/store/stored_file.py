"""A file of the store opened for reading: every read is checked against the size the file had when it was opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from modelhub.errors import IntegrityError


class Stored(Protocol):
    """Bytes that entries are read from: a file on disk, or a pack under construction."""

    name: str
    size: int

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Return exactly `nbytes` bytes. Raises IntegrityError where there are fewer."""


class StoredFile:
    """An open file; reads from many threads do not disturb each other. Closed when the last reference goes."""

    __slots__ = ("_descriptor", "name", "size")

    def __init__(self, path: Path, name: str) -> None:
        self._descriptor = -1
        self.name = name
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, nbytes: int) -> bytes:
        """Return exactly these bytes; nothing is allocated for a range outside the file."""
        check_range(self.name, self.size, offset, nbytes)
        data = os.pread(self._descriptor, nbytes, offset)
        while len(data) < nbytes:
            more = os.pread(self._descriptor, nbytes - len(data), offset + len(data))
            if not more:
                raise IntegrityError(f"{self.name} was cut short while it was read")
            data += more
        return data

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def check_range(name: str, size: int, offset: int, nbytes: int) -> None:
    """Raise IntegrityError unless the range lies inside a file of this size."""
    if offset < 0 or nbytes < 0 or offset + nbytes > size:
        raise IntegrityError(f"{name} is damaged: bytes {offset} to {offset + nbytes} lie outside its {size} bytes")
