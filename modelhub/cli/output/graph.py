"""The commit graph beside `mh log --graph`: one lane for each line of history that is still open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

_PRETTY = str.maketrans({"*": "●", "|": "│", "/": "╱", "\\": "╲"})


class Graph:
    """Draws commits in the order they are given: children before their parents.

    `lanes` holds, from left to right, the commit that each open line leads down to.
    """

    def __init__(self, *, unicode: bool = False) -> None:
        self._lanes: list[str] = []
        self._unicode = unicode

    def draw(self, commit: str, parents: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
        """Yield one commit's `lines` with the graph on their left. Lanes that meet here are joined first."""
        for row in self._join(commit):
            yield self._finish(row)
        if commit not in self._lanes:
            self._lanes.append(commit)
        place = self._lanes.index(commit)
        rows = [self._commit_row(place), *(self._open(place, parents) if parents else self._close(place))]
        yield from self._beside(rows, list(lines) or [""])

    def _beside(self, rows: list[str], text: list[str]) -> Iterator[str]:
        """Put the rows of the graph and the lines of text side by side, whichever are more."""
        rows = rows + [self._straight()] * (len(text) - len(rows))
        width = max(2 * len(self._lanes) - 1, *map(len, rows))
        for number, row in enumerate(rows):
            line = row.ljust(width) + " " + text[number] if number < len(text) else row
            yield self._finish(line, len(row))

    def _finish(self, line: str, drawn: int | None = None) -> str:
        drawn = len(line) if drawn is None else drawn
        graph = line[:drawn].translate(_PRETTY) if self._unicode else line[:drawn]
        return (graph + line[drawn:]).rstrip()

    def _straight(self) -> str:
        return " ".join("|" * len(self._lanes))

    def _commit_row(self, place: int) -> str:
        return " ".join("*" if lane == place else "|" for lane in range(len(self._lanes)))

    def _open(self, place: int, parents: Sequence[str]) -> list[str]:
        """Lead the commit's lane to its first parent and open a lane for each further one. Returns the rows."""
        self._lanes[place] = parents[0]
        rows = []
        for number, parent in enumerate(parents[1:]):
            left = place + number
            straight = " ".join("|" * (left + 1))
            rows.append(straight + "\\" + " \\" * (len(self._lanes) - left - 1))
            self._lanes.insert(left + 1, parent)
        return rows

    def _close(self, place: int) -> list[str]:
        """End a lane at a first commit. Returns the row in which the lanes on its right move over."""
        del self._lanes[place]
        moving = len(self._lanes) - place
        if not moving:
            return []
        return [("| " * place + " /" * moving).ljust(2 * len(self._lanes))]

    def _join(self, commit: str) -> Iterator[str]:
        """Yield the rows that bring all lanes leading to a commit into the leftmost of them."""
        while self._lanes.count(commit) > 1:
            target = self._lanes.index(commit)
            source = len(self._lanes) - 1 - self._lanes[::-1].index(commit)
            moving = " /" * (len(self._lanes) - source - 1)
            yield _slanted(target, source) + moving
            del self._lanes[source]
            if source - target > 1:
                yield _landing(target, len(self._lanes))


def _slanted(target: int, source: int) -> str:
    """The row in which a lane leaves for the left, passing under those between: `| |_|/`."""
    if source == target + 1:
        return " ".join("|" * source) + "/"
    row = [" "] * (2 * source)
    row[0 : 2 * source : 2] = "|" * source
    for lane in range(target + 1, source - 1):
        row[2 * lane + 1] = "_"
    row[2 * source - 1] = "/"
    return "".join(row)


def _landing(target: int, lanes: int) -> str:
    row = [" "] * (2 * lanes - 1)
    row[0 : 2 * lanes : 2] = "|" * lanes
    row[2 * target + 1] = "/"
    return "".join(row)


def visible_parents(history: Iterable[tuple[str, Sequence[str]]], shown: set[str]) -> Mapping[str, tuple[str, ...]]:
    """Return for every commit of `history` its nearest shown ancestors, so that hidden commits leave no open lane.

    `history` is (commit, parents), children before parents.
    """
    nearest: dict[str, tuple[str, ...]] = {}
    parents_of = dict(history)
    above: dict[str, tuple[str, ...]] = {}
    for commit in reversed(parents_of):
        found = dict.fromkeys(step for parent in parents_of[commit] for step in above.get(parent, ()))
        nearest[commit] = tuple(found)
        above[commit] = (commit,) if commit in shown else nearest[commit]
    return nearest
