"""The trees of many versions: each is read once, as long as there is room to remember it."""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.repository.lint import is_shard_index
from modelhub.repository.objects import Entry, Tree
from modelhub.repository.recent import Recent
from modelhub.repository.repository import Repository
from modelhub.repository.trees import Changed, Entries, changed_between

MOST_ENTRIES = 50_000


class KnownTrees:
    """Reads trees; what was read lately is remembered."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._trees = Recent(self._read, MOST_ENTRIES)
        self._indexes = Recent(self._shard_indexes, MOST_ENTRIES)

    def entries(self, tree: str) -> Entries:
        """Return what is in a folder. Raises ObjectNotFound, IntegrityError."""
        return self._trees(tree)

    def changed(self, before: str | None, after: str | None) -> Iterator[Changed]:
        """Yield the files that differ between two trees. Raises UnsafePath too."""
        return changed_between(self.entries, before, after)

    def shard_indexes(self, tree: str) -> tuple[str, ...]:
        """Return the paths below a tree that may be lists of a model's shards."""
        return self._indexes(tree)

    def _read(self, tree: str) -> Entries:
        return self._repository.get(tree, Tree).entries

    def _shard_indexes(self, tree: str) -> tuple[str, ...]:
        found: list[str] = []
        for name, entry in self.entries(tree).items():
            if entry.mode == "tree":
                found += [f"{name}/{path}" for path in self.shard_indexes(entry.oid)]
            elif is_shard_index(name, entry):
                found.append(name)
        return tuple(found)


class VersionFiles:
    """The files of one version by their paths, looked up as they are asked for."""

    def __init__(self, trees: KnownTrees, tree: str) -> None:
        self._trees = trees
        self._tree = tree

    def __contains__(self, path: object, /) -> bool:
        return self._find(str(path)) is not None

    def __getitem__(self, path: str, /) -> Entry:
        found = self._find(path)
        if found is None:
            raise KeyError(path)
        return found

    def _find(self, path: str) -> Entry | None:
        entry: Entry | None = Entry("tree", self._tree, 0)
        for part in path.split("/"):
            entry = self._trees.entries(entry.oid).get(part) if entry is not None and entry.mode == "tree" else None
        return None if entry is None or entry.mode == "tree" else entry
