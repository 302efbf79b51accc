"""What the folder of packs held when it was listed, and which index finds the objects of which pack."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.store.pack.reader import PackReader

if TYPE_CHECKING:
    from modelhub.store.pack.multi_index import MultiIndex

    Finder = MultiIndex | PackReader

_DIGITS = re.compile("[0-9a-f]{40}")


class PackView:
    """The names in the folder, its packs (without suffix), and who finds what is in them. Never changes.

    Packs that no multi-pack index covers are `single`, the newest first: what is asked for was likely written last.
    `finders` are all that must be asked for an object.
    """

    __slots__ = ("finders", "multis", "names", "packs", "single")

    def __init__(
        self,
        names: tuple[str, ...],
        packs: frozenset[str],
        multis: tuple[MultiIndex, ...],
        single: tuple[PackReader, ...],
    ) -> None:
        self.names = names
        self.packs = packs
        self.multis = multis
        self.single = single
        self.finders: tuple[Finder, ...] = (*single, *multis)

    @property
    def unindexed(self) -> list[str]:
        """The packs whose index file is missing."""
        return list(self.packs.difference(name[:-4] for name in self.names if name.endswith(".idx")))

    def holding(self, reader: PackReader) -> PackView:
        """Return the view after a pack was published."""
        names = (*self.names, f"{reader.name}.pack", f"{reader.name}.idx")
        single = self.single if reader.name in self.packs else (reader, *self.single)
        return PackView(names, self.packs | {reader.name}, self.multis, single)

    def without(self, name: str) -> PackView:
        """Return the view after a pack was found gone."""
        single = tuple(reader for reader in self.single if reader.name != name)
        return PackView(self.names, self.packs - {name}, self.multis, single)


def list_names(folder: Path) -> tuple[str, ...]:
    """List a folder of packs; one that is not there has none."""
    try:
        return tuple(os.listdir(folder))
    except FileNotFoundError:
        return ()


def multi_names(names: Sequence[str]) -> list[str]:
    """Return those of the names that multi-pack indexes have."""
    found = [name for name in names if name.startswith("multi-") and name.endswith(".idx")]
    return sorted(name for name in found if _DIGITS.fullmatch(name, len("multi-"), len(name) - len(".idx")))


def packs_among(names: Sequence[str], multis: Sequence[MultiIndex]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the packs, without suffix, and those of them that no multi-pack index covers."""
    packs = frozenset([name[:-5] for name in names if name.endswith(".pack")])
    single = packs.difference(*(multi.packs for multi in multis))
    strange = {name for name in single if not (name.startswith("pack-") and _DIGITS.fullmatch(name, len("pack-")))}
    return (packs - strange, single - strange) if strange else (packs, single)


def newest_first(readers: list[PackReader]) -> tuple[PackReader, ...]:
    """Sort packs by their age."""
    return tuple(sorted(readers, key=lambda reader: (_changed(reader.path), reader.name), reverse=True))


def _changed(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return 0
