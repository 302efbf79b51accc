"""What a version, or a model of it, came from, or what came from it: a graph read from the catalog."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from modelhub.catalog.revisions import resolve_place
from modelhub.repository.objects import Commit
from modelhub.repository.repository import Repository
from modelhub.repository.trees import find_entry, read_files


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A model or data file of a version, a version as a whole (empty `path`), or a model outside it all (`name`)."""

    commit: str
    path: str
    file: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """The node numbered `child` came from `parent`. `evidence`: declared, run, metadata, weights or history."""

    child: int
    parent: int
    relation: str
    evidence: str
    run_id: str | None


@dataclass(frozen=True)
class LineageResult:
    """The graph; node 0 is the one that was asked about, with `up` its ancestors, else its descendants."""

    commit: str
    path: str
    up: bool
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]

    @cached_property
    def steps(self) -> dict[int, list[tuple[LineageEdge, int]]]:
        """For each node its edges away from the start, and where each leads."""
        found: dict[int, list[tuple[LineageEdge, int]]] = {}
        for edge in self.edges:
            near, far = (edge.child, edge.parent) if self.up else (edge.parent, edge.child)
            found.setdefault(near, []).append((edge, far))
        return found

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The nodes from which all others are reached, the one that was asked about first."""
        led_to = {far for steps in self.steps.values() for _, far in steps}
        found: dict[int, None] = {}
        reached: set[int] = set()
        free = (number for number in range(len(self.nodes)) if number not in led_to)
        for number in (*range(min(1, len(self.nodes))), *free, *range(len(self.nodes))):
            if number not in reached:
                found[number] = None
                self._reach(number, reached)
        return tuple(found)

    def _reach(self, start: int, reached: set[int]) -> None:
        waiting = deque([start])
        while waiting:
            number = waiting.popleft()
            if number not in reached:
                reached.add(number)
                waiting += (far for _, far in self.steps.get(number, ()))


def lineage(repo: Repository, *, place: str = "HEAD", up: bool = True, depth: int | None = None) -> LineageResult:
    """Return what `REV` or `REV:PATH` came from, or with `up=False` what came from it, at most `depth` edges away.

    A path may be that of data too. A run that read a folder read the files in it: so data leads to what came from the
    folders around it, and a folder to what came from its files. Raises RefNotFound, PathNotFound.
    """
    from modelhub.catalog.lineage import read_lineage
    from modelhub.catalog.opening import open_current_with

    found = resolve_place(repo, place)
    contents = _contents(repo, repo.get(found.commit, Commit).tree, found.path) if found.path else {}
    with open_current_with(repo, found.commit) as connection:
        nodes, edges = read_lineage(connection, found.commit, found.path or None, up=up, depth=depth, contents=contents)
    return LineageResult(
        commit=found.commit,
        path=found.path or "",
        up=up,
        nodes=tuple(LineageNode(item.commit, item.path, item.file, item.name, item.kind) for item in nodes),
        edges=tuple(_edges(edges)),
    )


def _contents(repo: Repository, tree: str, path: str) -> dict[str, str]:
    """Return the id of what is at a path, then of the folders around it and of the files in it."""
    parts = path.split("/")
    around = ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
    entries = {place: find_entry(repo, tree, place) for place in around}
    found = {place: entry.oid for place, entry in entries.items()}
    if entries[path].mode == "tree":
        found |= {name: entry.oid for name, entry in read_files(repo, entries[path].oid, f"{path}/").items()}
    return found


def _edges(edges: Iterable[object]) -> Iterable[LineageEdge]:
    names = ("child", "parent", "relation", "evidence", "run_id")
    return (LineageEdge(*(getattr(edge, name) for name in names)) for edge in edges)
