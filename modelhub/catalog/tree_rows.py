"""Turn the trees of versions into rows of the catalog: what a version shares with its parent is copied, not read."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from modelhub.catalog import rows
from modelhub.catalog.manifest_rows import ManifestIngest
from modelhub.catalog.storage_rows import StorageIngest
from modelhub.errors import FormatError, ObjectNotFound
from modelhub.repository.known_trees import KnownTrees
from modelhub.repository.names import MAX_DEPTH
from modelhub.repository.objects import Entry
from modelhub.repository.trees import Entries


class TreeIngest:
    """Adds the folders and files of versions. The caller holds the transaction."""

    def __init__(
        self, connection: sqlite3.Connection, trees: KnownTrees, manifests: ManifestIngest, storage: StorageIngest
    ) -> None:
        self._connection = connection
        self._trees = trees
        self._manifests = manifests
        self._storage = storage

    def add(self, commit_no: int, tree: str, parent_no: int | None) -> None:
        """Add every folder of a commit, given its tree and its first parent's number.

        Cost where the catalog has the parent: reading the folders that differ, and a row for each folder.
        """
        before = None if parent_no is None else rows.tree_of(self._connection, parent_no)
        if parent_no is None or before is None or not rows.copy_directories(self._connection, parent_no, commit_no):
            self._add_all(commit_no, "", tree)
        else:
            self._change(commit_no, "", before, tree)

    def _change(self, commit_no: int, path: str, before: str, after: str) -> None:
        """Make the folders of another version, which the commit has so far, its own."""
        if before == after or path.count("/") > MAX_DEPTH:
            return
        old, new = self._entries(before), self._entries(after)
        if old is None or new is None:
            rows.drop_directories(self._connection, commit_no, path)
            self._add_all(commit_no, path, after)
            return
        number = rows.oid_no(self._connection, after)
        rows.add_directories(self._connection, [(commit_no, path, number)])
        self._change_folders(commit_no, path, _folders(old), _folders(new))
        if not rows.has_tree(self._connection, number):
            old_no = rows.oid_no(self._connection, before)
            self._add_entries(after, number, _less(new, old) if self._copy(old_no, number, old, new) else new)

    def _change_folders(self, commit_no: int, path: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        for name in before.keys() - after.keys():
            rows.drop_directories(self._connection, commit_no, _join(path, name))
        for name, oid in after.items():
            if name in before:
                self._change(commit_no, _join(path, name), before[name], oid)
            else:
                self._add_all(commit_no, _join(path, name), oid)

    def _add_all(self, commit_no: int, path: str, tree: str) -> None:
        number = rows.oid_no(self._connection, tree)
        rows.add_directories(self._connection, [(commit_no, path, number)])
        entries = self._entries(tree) if path.count("/") <= MAX_DEPTH else None
        if entries is None:
            return
        for name, oid in _folders(entries).items():
            self._add_all(commit_no, _join(path, name), oid)
        if not rows.has_tree(self._connection, number):
            self._add_entries(tree, number, entries)

    def _copy(self, old_no: int, new_no: int, old: Entries, new: Entries) -> bool:
        """Take over from another folder the rows of the files that are equal; False where it has not all of them."""
        files = sum(entry.mode != "tree" for entry in old.values())
        if not files or len(new) < len(old) // 2 or rows.count_entries(self._connection, old_no) != files:
            return False
        rows.copy_entries(self._connection, old_no, new_no)
        gone = [name for name, entry in old.items() if entry.mode != "tree" and new.get(name) != entry]
        rows.drop_entries(self._connection, new_no, gone)
        return True

    def _add_entries(self, tree: str, tree_no: int, entries: Entries) -> None:
        found = []
        for name, entry in entries.items():
            if entry.mode != "tree":
                manifest_no = None if entry.manifest is None else self._manifests.add(entry.manifest)
                file_no = rows.oid_no(self._connection, entry.oid)
                found.append((tree_no, name, entry.mode, entry.size, file_no, manifest_no))
        rows.add_entries(self._connection, found)
        self._storage.add([tree, *(entry.oid for entry in entries.values() if entry.manifest is None)])

    def _entries(self, tree: str) -> Entries | None:
        """Return what is in a folder, None where it is gone or damaged: fsck tells of that."""
        try:
            return self._trees.entries(tree)
        except (ObjectNotFound, FormatError):
            return None


def _folders(entries: Entries) -> dict[str, str]:
    return {name: entry.oid for name, entry in entries.items() if entry.mode == "tree"}


def _less(entries: Entries, known: Entries) -> Mapping[str, Entry]:
    """Return the entries that are not the same in `known`."""
    return {name: entry for name, entry in entries.items() if known.get(name) != entry}


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
