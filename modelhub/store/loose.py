"""Loose objects: one entry in a file of its own, under its id. Layout: docs/reference/format/loose.md."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from modelhub.errors import AlreadyExistsError, IntegrityError
from modelhub.files import TempFile, make_folders, remove
from modelhub.oid import is_oid
from modelhub.store.entry import HEADER, Entry, check_header, encode_record, header, read_entry
from modelhub.store.stored_file import StoredFile

LOOSE_MAGIC = b"\x89MHO\r\n\x1a\n"
PLACE = "loose"


class LooseObjects:
    """The folder of loose objects. A file never changes once it has its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, oid: str) -> Path:
        """Return where an object lies if it is loose."""
        return self.folder / oid[:2] / oid[2:]

    def contains(self, oid: str) -> bool:
        """Tell whether an object is loose."""
        return os.path.exists(f"{self.folder}/{oid[:2]}/{oid[2:]}")

    def entry(self, oid: str) -> Entry | None:
        """Return an object's entry, or None. Raises IntegrityError, FormatError."""
        try:
            file = StoredFile(self.path(oid), PLACE)
        except FileNotFoundError:
            return None
        file.name = f"loose object {oid}"
        check_header(file.read_at(0, min(HEADER.size, file.size)), LOOSE_MAGIC, file.name)
        if file.size < HEADER.size:
            raise IntegrityError(f"{file.name} is damaged: it is too short")
        entry = read_entry(file, HEADER.size, file.size - HEADER.size)
        if entry.record.oid != oid:
            raise IntegrityError(f"{file.name} is damaged: it holds another object")
        file.name = PLACE
        return entry

    def ids(self, prefix: str = "") -> Iterator[str]:
        """Yield the ids of all loose objects that begin with these hex digits."""
        for first in self._folders(prefix[:2]):
            try:
                names = os.listdir(self.folder / first)
            except FileNotFoundError:
                continue
            yield from (first + name for name in names if is_oid(first + name) and (first + name).startswith(prefix))

    def write(self, entry: Entry, scratch: Path) -> int:
        """Make one object durable from its entry; return the bytes of the file. One that is there is kept."""
        path = self.path(entry.record.oid)
        make_folders(path.parent)
        with TempFile(scratch) as temp:
            temp.write(header(LOOSE_MAGIC))
            for index in range(len(entry.record.frames)):
                temp.write(entry.frame(index))
            temp.write(encode_record(entry.record))
            try:
                temp.publish(path)
            except AlreadyExistsError:
                return path.stat().st_size
            return temp.size

    def delete(self, oid: str) -> int:
        """Remove a loose object; return the bytes freed, 0 where there was none."""
        size = self.nbytes(oid)
        remove(self.path(oid))
        return size

    def nbytes(self, oid: str) -> int:
        """Return the bytes of a loose object's file, 0 where there is none."""
        try:
            return self.path(oid).stat().st_size
        except FileNotFoundError:
            return 0

    def _folders(self, prefix: str) -> list[str]:
        if len(prefix) == 2:
            return [prefix]
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(name for name in names if len(name) == 2 and name.startswith(prefix))
