"""Solves small parts of a graph exactly: every plan that could still be the least is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelhub.archive.graph import Edge, Group, Scheme, StorageGraph
from modelhub.archive.measurement import allowed, fault, measure

MOST_VERTICES = 12
NODES = 20_000
"""How many partial plans of one part are looked at before it is given up."""

SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a plan must keep: the budget of each group under a scheme, and the depth of chains (None: any)."""

    scheme: Scheme
    budgets: Sequence[float]
    max_depth: int | None


@dataclass(frozen=True, slots=True)
class Enumeration:
    """`chosen` is the plan given, with every part that was solved at its least; `is_least` where all of them were."""

    chosen: list[int]
    is_least: bool


def enumerate_parts(graph: StorageGraph, bounds: Bounds, plan: Sequence[int], nodes: int) -> Enumeration:
    """Improve a plan that is allowed, in each part of at most twelve tensors, to the least there is.

    Parts share neither a way to keep a tensor nor a bound. Branch and bound: tensor after tensor, the smallest ways
    first, with what the rest takes at least as the bound. At most `nodes` partial plans are looked at, and 20,000 for
    each part; one that needs more stays as it is.
    """
    chosen = list(plan)
    is_least = True
    left = nodes
    for part in _parts(graph, bounds.budgets):
        if len(part) > MOST_VERTICES or left <= 0:
            is_least = False
            continue
        search = _Part(graph, bounds, part, chosen, nodes=min(NODES, left))
        search.run()
        left -= search.seen
        is_least &= search.ended
        for vertex, edge in zip(part, search.best, strict=True):
            chosen[vertex] = edge
    return Enumeration(chosen, is_least)


def _parts(graph: StorageGraph, budgets: Sequence[float]) -> list[list[int]]:
    """Return the vertices of each part, in order."""
    parent = list(range(graph.vertices))

    def root(vertex: int) -> int:
        while parent[vertex] != vertex:
            parent[vertex] = vertex = parent[parent[vertex]]
        return vertex

    joined = [(edge.target, *edge.sources) for edge in graph.edges]
    joined += [group.members for group, budget in zip(graph.groups, budgets, strict=True) if budget < math.inf]
    for members in joined:
        for member in members[1:]:
            parent[root(member)] = root(members[0])
    parts: dict[int, list[int]] = {}
    for vertex in range(graph.vertices):
        parts.setdefault(root(vertex), []).append(vertex)
    return list(parts.values())


class _Part:
    """One part as a graph of its own; `best` are edges of the whole graph, of `seen` partial plans looked at."""

    def __init__(
        self, graph: StorageGraph, bounds: Bounds, part: Sequence[int], chosen: Sequence[int], *, nodes: int
    ) -> None:
        place = {vertex: number for number, vertex in enumerate(part)}
        numbers = [number for number, edge in enumerate(graph.edges) if edge.target in place]
        own = [_moved(graph.edges[number], place) for number in numbers]
        pairs = zip(graph.groups, bounds.budgets, strict=True)
        bound = [(group, budget) for group, budget in pairs if group.members and group.members[0] in place]
        bound = [(group, budget) for group, budget in bound if budget < math.inf]
        groups = tuple(Group(tuple(place[one] for one in group.members), budget) for group, budget in bound)
        self._graph = StorageGraph(len(part), tuple(own), groups)
        self._bounds = replace(bounds, budgets=[budget for _, budget in bound])
        self._numbers = numbers
        self._into: list[list[int]] = [[] for _ in part]
        for number in sorted(range(len(own)), key=lambda item: (own[item].storage, own[item].recreation)):
            self._into[own[number].target].append(number)
        least = [own[ways[0]].storage for ways in self._into]
        self._rest = [sum(least[place:]) for place in range(len(part) + 1)]
        self.best = [chosen[vertex] for vertex in part]
        self._least = sum(graph.edges[edge].storage for edge in self.best)
        self._nodes = nodes
        self.seen = 0

    @property
    def ended(self) -> bool:
        """Whether every plan was looked at or ruled out."""
        return self.seen <= self._nodes

    def run(self) -> None:
        """Look at all plans, until there are too many."""
        self._extend([], 0.0)

    def _extend(self, chosen: list[int], storage: float) -> None:
        vertex = len(chosen)
        if vertex == len(self._into):
            self._take(chosen, storage)
            return
        for edge in self._into[vertex]:
            more = storage + self._graph.edges[edge].storage
            if more + self._rest[vertex + 1] >= self._least - SMALL * self._least:
                return
            self.seen += 1
            if not self.ended:
                return
            if self._graph.edges[edge].recreation <= self._most(vertex):
                chosen.append(edge)
                self._extend(chosen, more)
                chosen.pop()

    def _most(self, vertex: int) -> float:
        """Return what one tensor may cost at most, whatever the others do."""
        groups = zip(self._graph.groups, self._bounds.budgets, strict=True)
        return min((allowed(budget) for group, budget in groups if vertex in group.members), default=math.inf)

    def _take(self, chosen: Sequence[int], storage: float) -> None:
        plan = measure(self._graph, chosen, self._bounds.scheme)
        if fault(plan, self._bounds.budgets, self._bounds.max_depth) is None:
            self.best = [self._numbers[edge] for edge in chosen]
            self._least = storage


def _moved(edge: Edge, place: dict[int, int]) -> Edge:
    return Edge(place[edge.target], tuple(place[source] for source in edge.sources), edge.storage, edge.recreation)
