"""The packs of a store: which there are, and which of them holds an object."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from modelhub.errors import FormatError, IntegrityError
from modelhub.store.entry import Entry
from modelhub.store.pack.layout import Row
from modelhub.store.pack.reader import PackReader
from modelhub.store.pack_view import PackView, list_names, multi_names, newest_first, packs_among

if TYPE_CHECKING:
    from modelhub.store.pack.multi_index import MultiIndex
    from modelhub.store.pack_view import Finder

MAX_OPEN_FILES = 64

_MOST_LISTINGS = 3

Answer = TypeVar("Answer")


class Packs:
    """All packs in a folder, the last useful one first. The folder is listed at the first lookup.

    Multi-pack indexes answer for the packs they cover, whose own indexes are then not even opened. One that is
    missing, damaged or of another version is left out, and its packs are asked one by one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._view: PackView | None = None
        self._readers: dict[str, PackReader] = {}
        self._multis: dict[str, MultiIndex | None] = {}
        self._open: OrderedDict[str, PackReader] = OrderedDict()
        self._last: tuple[PackView, Finder] | None = None
        self._lock = threading.RLock()

    def __iter__(self) -> Iterator[PackReader]:
        return iter(newest_first([self.reader(name) for name in self.view.packs]))

    @property
    def view(self) -> PackView:
        """What is known of the folder."""
        return self._view or self._look()

    def contains(self, oid: str) -> bool:
        """Tell whether a pack has an object, after a rescan if need be."""
        if self.holds(oid):
            return True
        self.refresh()
        return self.holds(oid)

    def holds(self, oid: str) -> bool:
        """Tell whether one of the packs known so far has an object; enough for the holder of the writer lock."""
        return self._find(bytes.fromhex(oid)) is not None

    def entry(self, oid: str) -> Entry | None:
        """Return an object's entry from the packs known so far, or None. Raises IntegrityError, FormatError."""
        key = bytes.fromhex(oid)
        while (found := self._find(key)) is not None:
            name, row = found
            reader = self.reader(name)
            try:
                entry = reader.entry(row)
            except FileNotFoundError:
                self._forget(name)  # it was replaced by another pack meanwhile; the caller rescans
                continue
            self._keep_open(reader)
            return entry
        return None

    def starting_with(self, prefix: str) -> Iterator[str]:
        """Yield the packed ids that begin with these hex digits; an id in two packs comes twice."""
        return iter(self._asked(lambda view: self._ids(view, prefix)))

    def ids(self) -> Iterator[str]:
        """Yield all packed ids; an id in two packs comes twice."""
        return self.starting_with("")

    def refresh(self) -> None:
        """List the folder again."""
        self._look()

    def add(self, name: str) -> None:
        """Take in a pack that this process has published, without listing the folder."""
        with self._lock:
            self._view = self.view.holding(self.reader(name))

    def leave_out_damaged(self) -> None:
        """Ask the multi-pack indexes that have proved damaged no more; their packs are asked one by one."""
        with self._lock:
            view = self.view
            self._multis |= {multi.name: None for multi in view.multis if multi.is_damaged}
            self._arrange(view.names)

    def reader(self, name: str) -> PackReader:
        """Return the reader of a pack."""
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers.setdefault(name, PackReader(self.folder / f"{name}.pack"))
        return reader

    def keep_indexes(self, scratch: Path, *, thorough: bool = False) -> None:
        """Make indexes that are missing and gather them where they are many; for the holder of the writer lock."""
        from modelhub.store.index_upkeep import gather_indexes, publish_missing_indexes

        if thorough:
            self.ids()  # verifies all that a multi-pack index says
        publish_missing_indexes(self, scratch, thorough=thorough)
        gather_indexes(self, scratch)

    def let_go(self) -> None:
        """Forget open files."""
        for reader in self._open.values():
            reader.let_go()
        self._open.clear()

    def _find(self, oid: bytes) -> tuple[str, Row] | None:
        """Return a pack that holds an object; damaged packs are passed over, `check` reports them."""
        return self._asked(lambda view: self._find_in(view, oid))

    def _find_in(self, view: PackView, oid: bytes) -> tuple[str, Row] | None:
        last = self._last
        for finder in (last[1], *view.finders) if last is not None and last[0] is view else view.finders:
            for name, row in finder.find(oid):
                if name in view.packs:
                    self._last = view, finder
                    return name, row
        return None

    @staticmethod
    def _ids(view: PackView, prefix: str) -> list[str]:
        packs = view.packs
        return [oid for finder in view.finders for name, oid in finder.starting_with(prefix) if name in packs]

    def _asked(self, question: Callable[[PackView], Answer]) -> Answer:
        """Answer a question from sound indexes: where a multi-pack index proves damaged, it is asked again without."""
        while True:
            view = self.view
            try:
                return question(view)
            except IntegrityError:
                if not any(multi.is_damaged for multi in view.multis):
                    raise
                self.leave_out_damaged()

    def _look(self) -> PackView:
        with self._lock:
            for _ in range(_MOST_LISTINGS):
                names = list_names(self.folder)
                if self._load_multis(names):
                    break
            view = self._arrange(names)
            self._readers = {name: one for name, one in list(self._readers.items()) if name in view.packs}
            for name in self._open.keys() - view.packs:
                self._open.pop(name, None)
            return view

    def _load_multis(self, names: tuple[str, ...]) -> bool:
        """Open the multi-pack indexes that are new; tell whether all that were listed are still there."""
        known = self._multis
        self._multis = {}
        for name in multi_names(names):
            try:
                self._multis[name] = known[name] if name in known else _load(self.folder / name)
            except FileNotFoundError:
                return False
        return True

    def _arrange(self, names: tuple[str, ...]) -> PackView:
        multis = tuple(multi for multi in self._multis.values() if multi is not None)
        packs, single = packs_among(names, multis)
        self._view = PackView(names, packs, multis, newest_first([self.reader(name) for name in single]))
        return self._view

    def _forget(self, name: str) -> None:
        with self._lock:
            self._readers.pop(name, None)
            self._view = self.view.without(name)

    def _keep_open(self, reader: PackReader) -> None:
        """Keep the files of the packs used last, and let go of the rest."""
        self._open[reader.name] = reader
        self._open.move_to_end(reader.name)
        while len(self._open) > MAX_OPEN_FILES:
            self._open.popitem(last=False)[1].let_go()


def _load(path: Path) -> MultiIndex | None:
    """Return a multi-pack index, None where it cannot be used. Raises FileNotFoundError."""
    from modelhub.store.pack.multi_index import MultiIndex

    try:
        return MultiIndex.load(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, FormatError):
        return None
