"""Ids of files and folders that are hashed and not stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from modelhub.errors import PathNotFound, StateError
from modelhub.oid import Bytes, Kind, oid_of
from modelhub.repository.ignore import ALWAYS
from modelhub.repository.objects import Entry, Usage
from modelhub.repository.trees import Files, write_tree
from modelhub.repository.worktree import WorkFile, content_oid, mode_of

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter


def hash_place(place: Path, path: str) -> Usage:
    """Return the usage of a file, or of a folder and all below it, that is not kept; links are followed at its top.

    Raises PathNotFound, or StateError for what is neither.
    """
    real = place.resolve()
    if real.is_dir():
        files = {name: hash_entry(real, name) for name in names_below(real)}
        return Usage(path, tree_id(files), total(files), "tree", kept=False)
    if not real.exists():
        raise PathNotFound(f"there is no '{path}'", hint="what a run reads must be there before it starts")
    if not real.is_file():
        raise StateError(f"'{path}' is neither a file nor a folder")
    entry = hash_entry(real.parent, real.name)
    return Usage(path, entry.oid, entry.size, entry.mode, kept=False)


def tree_id(files: Files) -> str:
    """Return the id of the tree with these files."""
    return write_tree(cast("ObjectWriter", _Ids()), files)


def total(files: Files) -> int:
    """Return the bytes of all the files."""
    return sum(entry.size for entry in files.values())


def names_below(folder: Path, prefix: str = "") -> Iterator[str]:
    """Yield every file and link below a folder but for those of version control, in order. No link is followed."""
    for entry in sorted(os.scandir(folder / prefix), key=lambda entry: entry.name):
        if entry.name in ALWAYS:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from names_below(folder, f"{prefix}{entry.name}/")
        elif entry.is_symlink() or entry.is_file():
            yield prefix + entry.name


def hash_entry(folder: Path, name: str) -> Entry:
    """Return the entry that a file or link of a folder would have in a tree."""
    stat = os.lstat(folder / name)
    return Entry(mode_of(stat), content_oid(folder, WorkFile(name, stat)), stat.st_size)


class _Ids:
    """Stands for a writer where only ids are wanted."""

    def put(self, data: Bytes, kind: Kind = "blob") -> str:
        """Return the id of an object."""
        return oid_of(data, kind)
