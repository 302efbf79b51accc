"""What differs between the last commit, the index and the working tree."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modelhub.repository.index import LEFT_OUT, Index, IndexEntry, read_index, staged
from modelhub.repository.objects import Entry
from modelhub.repository.repository import Repository
from modelhub.repository.trees import read_files
from modelhub.repository.worktree import WorkFile, content_oid, scan

ChangeKind = Literal["added", "modified", "deleted", "renamed", "mode"]


class FileChange(Struct, frozen=True):
    """One changed file. `old_path` only for a rename (equal bytes under another path)."""

    kind: ChangeKind
    path: str
    old_path: str | None = None


class WorkState(Struct, frozen=True):
    """The working tree beside the index: `fresh` is the index with the stat of every file found unchanged."""

    index: Index
    files: dict[str, WorkFile]
    modified: tuple[str, ...]
    deleted: tuple[str, ...]
    untracked: tuple[str, ...]
    fresh: dict[str, IndexEntry]


def load_index(repository: Repository) -> Index:
    """Return the index; made from HEAD's tree where there is none yet."""
    index = read_index(repository.layout)
    if index is not None:
        return index
    tree = repository.commit_tree(repository.refs.head_commit)
    return Index({path: staged(entry) for path, entry in read_files(repository, tree).items()})


def inspect(repository: Repository) -> WorkState:
    """Compare the working tree with the index. Files whose stat is unchanged are not read."""
    root = repository.layout.root
    index = load_index(repository)
    files = scan(root, index)
    modified: list[str] = []
    fresh = dict(index.entries)
    for path, entry in index.entries.items():
        file = files.get(path)
        if file is None:
            continue
        if entry.mode == file.mode and index.unchanged(path, file.stat):
            continue
        size_fits = file.mode == "link" or file.stat.st_size == entry.size
        if entry.mode == file.mode and size_fits and content_oid(root, file) == entry.oid:
            fresh[path] = entry.seen(file.stat)
        else:
            modified.append(path)
    absent = index.entries.keys() - files.keys()
    deleted = tuple(sorted(path for path in absent if index.entries[path].inode != LEFT_OUT))
    untracked = tuple(sorted(files.keys() - index.entries.keys()))
    return WorkState(index, files, tuple(sorted(modified)), deleted, untracked, fresh)


def compare_files(before: dict[str, Entry], after: dict[str, Entry]) -> list[FileChange]:
    """Return what changed between two tables of files, renames found by equal bytes, in path order."""
    changes = []
    gone = {path: entry for path, entry in before.items() if path not in after}
    by_content = {entry.oid: path for path, entry in sorted(gone.items(), reverse=True)}
    for path, entry in after.items():
        old = before.get(path)
        if old is None:
            source = by_content.pop(entry.oid, None) if entry.size else None
            if source is not None:
                gone.pop(source)
            changes.append(FileChange("renamed", path, source) if source else FileChange("added", path))
        elif old.oid != entry.oid:
            changes.append(FileChange("modified", path))
        elif old.mode != entry.mode:
            changes.append(FileChange("mode", path))
    changes += [FileChange("deleted", path) for path in gone]
    return sorted(changes, key=lambda change: change.path)
