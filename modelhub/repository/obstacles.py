"""What stands where a file must go: a file where one of its folders must be, or a folder of its name."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelhub.repository.names import folded


class Obstacles:
    """Finds them in the working tree and among the staged paths."""

    def __init__(self, root: Path, staged: Iterable[str]) -> None:
        self._root = root
        self._staged = frozenset(staged)
        self._folders = frozenset(folder for path in self._staged for folder in folders_of(path))

    def of(self, path: str) -> set[str]:
        """Return the files, found or staged, that cannot be beside a file of this path."""
        found = {folder for folder in folders_of(path) if folder in self._staged}
        if path in self._folders:
            found |= {other for other in self._staged if other.startswith(path + "/")}
        return found | set(self._found_above(path)) | set(self._found_below(path))

    def is_staged(self, path: str) -> bool:
        """Tell whether a path is staged."""
        return path in self._staged

    def _found_above(self, path: str) -> Iterator[str]:
        for folder in folders_of(path):
            place = self._root / folder
            if not is_folder(place):
                if os.path.lexists(place):
                    yield folder
                return

    def _found_below(self, path: str) -> Iterator[str]:
        if any(not is_folder(self._root / folder) for folder in (*folders_of(path), path)):
            return
        for place, folders, names in os.walk(self._root / path):
            inside = os.path.relpath(place, self._root).replace(os.sep, "/")
            links = [name for name in folders if os.path.islink(os.path.join(place, name))]
            yield from (f"{inside}/{name}" for name in (*names, *links))


def folders_of(path: str) -> list[str]:
    """Return the folders that a path lies in, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def is_folder(place: Path) -> bool:
    """Tell whether there is a folder here, not a link to one."""
    return place.is_dir() and not place.is_symlink()


def clashing(paths: Iterable[str], others: Iterable[str]) -> set[str]:
    """Return the other paths that cannot be in one tree with these: folders of theirs, or files below them."""
    wanted = set(paths)
    above = {folder for path in wanted for folder in folders_of(path)}
    return {other for other in others if other in above or not wanted.isdisjoint(folders_of(other))}


def displaced(paths: Iterable[str], others: Iterable[str]) -> set[str]:
    """Return the other paths whose place these take: that clash, or are the same name on some file systems."""
    wanted, others = set(paths), set(others)
    names = {folded(path) for path in wanted} if others else set()
    return clashing(wanted, others) | {other for other in others - wanted if folded(other) in names}


class PathsBelow:
    """Finds the paths that are a given one or lie below it. Cost: one sort, then a bisection each."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._sorted = sorted(self._paths)

    def of(self, path: str) -> list[str]:
        """Return the path itself, if it is one of them, and all below it; for '' all."""
        if not path:
            return self._sorted
        first, end = bisect_left(self._sorted, path + "/"), bisect_left(self._sorted, path + "0")  # '0' follows '/'
        return ([path] if path in self._paths else []) + self._sorted[first:end]
