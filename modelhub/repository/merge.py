"""Three-way merge of two versions, file by file: a path that only one side changed takes that side's content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from modelhub.repository.objects import Entry
from modelhub.repository.trees import Files

Side = Literal["ours", "theirs"]


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The merged files and the paths that both sides changed, each in its own way."""

    files: Files
    conflicts: tuple[str, ...]


def merge_files(base: Files, ours: Files, theirs: Files, choices: Mapping[str, Side] | None = None) -> MergedFiles:
    """Merge two tables of files over their common ancestor's. `choices` decides conflicts by path."""
    merged: Files = {}
    conflicts = []
    for path in sorted(base.keys() | ours.keys() | theirs.keys()):
        decided, entry = _merge_entry(base.get(path), ours.get(path), theirs.get(path))
        if not decided:
            choice = (choices or {}).get(path)
            if choice is None:
                conflicts.append(path)
            entry = theirs.get(path) if choice == "theirs" else ours.get(path)
        if entry is not None:
            merged[path] = entry
    return MergedFiles(merged, tuple(conflicts) + _folder_conflicts(merged))


def _merge_entry(base: Entry | None, ours: Entry | None, theirs: Entry | None) -> tuple[bool, Entry | None]:
    if _content(ours) == _content(theirs) or _content(theirs) == _content(base):
        return True, ours
    if _content(ours) == _content(base):
        return True, theirs
    return False, None


def _content(entry: Entry | None) -> tuple[str, str] | None:
    return None if entry is None else (entry.oid, entry.mode)


def _folder_conflicts(files: Files) -> tuple[str, ...]:
    """A file on one side where the other has a folder of that name."""
    folders = set()
    for path in files:
        while path := path.rpartition("/")[0]:
            folders.add(path)
    return tuple(sorted(folders & files.keys()))
