"""Judges what a death left: whether the command can be run again from there, and what it then comes to.

Many deaths leave what another left before them, but for the times and inodes in the index, and run again nearly all
come to the same. Each such state is judged once, in a child that has seen nothing else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from crash.children import in_child

from modelhub.errors import IntegrityError
from modelhub.repository.index import LEFT_OUT, Index, read_index
from modelhub.repository.layout import Layout

INDEX = Path(".mh", "index")
SCRATCH = Path(".mh", "tmp")


class Oracle:
    """`recover` raises unless what was left can be recovered from; `conclude` unless it then is as it should be."""

    def __init__(self, recover: Callable[[Path], None], conclude: Callable[[Path], None]) -> None:
        self._steps = ((recover, None), (conclude, INDEX))
        self._seen: set[tuple[int, str]] = set()

    def complaint(self, folder: Path) -> str | None:
        """Return what is wrong with what a death left in a folder, None where nothing is."""
        for number, (step, leaving_out) in enumerate(self._steps):
            state = number, digest_of(folder, leaving_out)
            if state in self._seen:
                return None
            self._seen.add(state)
            status, answer = in_child(partial(step, folder))
            if status != 0:
                return answer
        return None


def digest_of(folder: Path, leaving_out: Path | None = None) -> str:
    """Return a digest of every path, mode and content; files of scratch have chance names, which do not count."""
    found = []
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            inside = path.relative_to(folder)
            if inside != leaving_out:
                known = inside.parent if inside.parent == SCRATCH else inside
                content = _told_by_index(folder) if inside == INDEX else _content(path)
                found.append((str(known), path.lstat().st_mode, content))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def _content(path: Path) -> str:
    if path.is_symlink():
        return os.readlink(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _told_by_index(folder: Path) -> str:
    """Return what is staged and which files would be taken for it without being read: times and inodes tell no more."""
    layout = Layout(folder)
    try:
        index = read_index(layout)
    except IntegrityError:
        return _content(layout.index)
    assert index is not None
    told = [
        (path, entry.entry(), entry.inode == LEFT_OUT, _is_trusted(index, path, folder / path))
        for path, entry in index.entries.items()
    ]
    return repr((index.version, told))


def _is_trusted(index: Index, path: str, file: Path) -> bool:
    try:
        return index.unchanged(path, file.lstat())
    except (FileNotFoundError, NotADirectoryError):
        return False
