"""The packs of a store: which there are, and which of them holds an object."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from modelhub.errors import FormatError
from modelhub.store.entry import Entry
from modelhub.store.pack.index import PackIndex, build_index
from modelhub.store.pack.reader import PackReader, read_footer
from modelhub.store.pack.writer import publish_index

MAX_OPEN_FILES = 64

_PACK = re.compile(r"pack-[0-9a-f]{40}\.pack")


class Packs:
    """All packs in a folder, the last useful one first. The folder is listed at the first lookup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._readers: dict[str, PackReader] | None = None
        self._open: OrderedDict[str, PackReader] = OrderedDict()
        self._last: PackReader | None = None

    def __iter__(self) -> Iterator[PackReader]:
        return iter(list(self._known().values()))

    def contains(self, oid: str) -> bool:
        """Tell whether a pack has an object, after a rescan if need be."""
        return self.holds(oid) or (self.refresh() and self.holds(oid))

    def holds(self, oid: str) -> bool:
        """Tell whether one of the packs known so far has an object; enough for the holder of the writer lock."""
        return self._holder(bytes.fromhex(oid)) is not None

    def entry(self, oid: str) -> Entry | None:
        """Return an object's entry from the packs known so far, or None. Raises IntegrityError, FormatError."""
        holder = self._holder(bytes.fromhex(oid))
        if holder is None:
            return None
        try:
            entry = holder.entry(oid)
        except FileNotFoundError:
            self._forget(holder)  # it was replaced by another pack meanwhile; the caller rescans
            return None
        self._keep_open(holder)
        return entry

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Yield the packed ids that begin with these hex digits; an id in two packs comes twice."""
        for reader in self:
            index = self._index(reader)
            if index is not None:
                yield from index.starting_with(prefix)

    def ids(self) -> Iterator[str]:
        """Yield all packed ids; an id in two packs comes twice."""
        for reader in self:
            index = self._index(reader)
            if index is not None:
                yield from (row.oid.hex() for row in index.rows())

    def refresh(self) -> bool:
        """List the folder again; tell whether there are packs that were not known."""
        known = self._readers or {}
        names = self._names()
        self._readers = {name: known.get(name) or PackReader(self.folder / name) for name in names}
        for name in known.keys() - self._readers.keys():
            self._open.pop(known[name].name, None)
        self._last = None
        return any(name not in known for name in names)

    def let_go(self) -> None:
        """Forget open files."""
        for reader in self._open.values():
            reader.let_go()
        self._open.clear()

    def publish_missing_indexes(self, scratch: Path) -> None:
        """Write the index of every pack whose index file is missing or damaged, from the pack's footer."""
        for reader in self:
            if self._index(reader) is not None and reader.index_problem is not None:
                publish_index(reader.index_path, build_index(*read_footer(reader.open())), scratch)
                reader.index_problem = None

    def _known(self) -> dict[str, PackReader]:
        if self._readers is None:
            self.refresh()
        return self._readers or {}

    def _names(self) -> list[str]:
        """Return the pack files, newest first."""
        try:
            with os.scandir(self.folder) as found:
                packs = [(entry.stat().st_mtime_ns, entry.name) for entry in found if _PACK.fullmatch(entry.name)]
        except FileNotFoundError:
            return []
        return [name for _, name in sorted(packs, reverse=True)]

    def _holder(self, oid: bytes) -> PackReader | None:
        """Return a pack that holds an object; damaged packs are passed over, `check` reports them."""
        last = self._last
        for reader in (*([last] if last else []), *self._known().values()):
            index = self._index(reader)
            if index is not None and index.find(oid) is not None:
                self._last = reader
                return reader
        return None

    @staticmethod
    def _index(reader: PackReader) -> PackIndex | None:
        try:
            return reader.index
        except (FormatError, FileNotFoundError):
            return None

    def _forget(self, reader: PackReader) -> None:
        if self._readers is not None:
            self._readers.pop(reader.path.name, None)
        self._last = None

    def _keep_open(self, reader: PackReader) -> None:
        """Keep the files of the packs used last, and let go of the rest."""
        self._open[reader.name] = reader
        self._open.move_to_end(reader.name)
        while len(self._open) > MAX_OPEN_FILES:
            self._open.popitem(last=False)[1].let_go()
