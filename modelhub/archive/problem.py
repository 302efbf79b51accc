"""A storage graph laid out for solvers: flat lists, and every budget as a bound on a sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelhub.archive.graph import Scheme, StorageGraph

UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Problem:
    """A graph, its scheme and its budgets.

    A *limit* bounds the sum of the recreation of some vertices. With the independent scheme each group is a limit; with
    the parallel scheme each vertex is one, bounded by the tightest group it is in: a maximum is within a budget where
    each of its values is. So one search serves both. `budgets` are per group, `bounds` per limit; a budget of `inf`
    makes no limit. Storage and recreation are shares of the dearest edge: a difference can be called small.
    """

    graph: StorageGraph
    scheme: Scheme
    unit: float
    """What one unit of `recreation` is in the graph's own."""
    max_depth: int
    target: list[int]
    sources: list[tuple[int, ...]]
    storage: list[float]
    recreation: list[float]
    into: list[list[int]]
    """For each vertex the edges that could keep it, cheapest storage first."""
    out_of: list[list[int]]
    """For each vertex the edges that rest on it."""
    whole: list[int]
    """For each vertex the materialising edge that is fastest to decode."""
    budgets: tuple[float, ...]
    limits_of: list[tuple[int, ...]]
    """For each vertex the limits that count it."""
    bounds: list[float]
    counted: list[tuple[int, ...]]
    """For each limit the vertices it counts."""

    def within(self, budgets: Sequence[float]) -> Problem:
        """Return the same problem with other budgets for its groups, in the graph's own units."""
        budgets = tuple(budget / self.unit for budget in budgets)
        limits_of, bounds, counted = _limits(self.graph, self.scheme, budgets)
        return replace(self, budgets=budgets, limits_of=limits_of, bounds=bounds, counted=counted)


def pose(graph: StorageGraph, scheme: Scheme, max_depth: int | None) -> Problem:
    """Lay a graph out. Cost: linear in its size."""
    edges = graph.edges
    into: list[list[int]] = [[] for _ in range(graph.vertices)]
    out_of: list[list[int]] = [[] for _ in range(graph.vertices)]
    for number in sorted(range(len(edges)), key=lambda item: (edges[item].storage, edges[item].recreation, item)):
        into[edges[number].target].append(number)
        for source in edges[number].sources:
            out_of[source].append(number)
    whole = [
        min(
            (edge for edge in ways if not edges[edge].sources),
            key=lambda item: (edges[item].recreation, edges[item].storage),
        )
        for ways in into
    ]
    storage_unit = max((edge.storage for edge in edges), default=0.0) or 1.0
    unit = max((edge.recreation for edge in edges), default=0.0) or 1.0
    budgets = tuple(group.budget / unit for group in graph.groups)
    return Problem(
        graph,
        scheme,
        unit,
        UNLIMITED if max_depth is None else max_depth,
        [edge.target for edge in edges],
        [edge.sources for edge in edges],
        [edge.storage / storage_unit for edge in edges],
        [edge.recreation / unit for edge in edges],
        into,
        out_of,
        whole,
        budgets,
        *_limits(graph, scheme, budgets),
    )


def _limits(
    graph: StorageGraph, scheme: Scheme, budgets: Sequence[float]
) -> tuple[list[tuple[int, ...]], list[float], list[tuple[int, ...]]]:
    tightest: dict[tuple[int, ...], float] = {}
    for group, budget in zip(graph.groups, budgets, strict=True):
        members = tuple(sorted(set(group.members)))
        for counts in [members] if scheme == "independent" else [(member,) for member in members]:
            if budget < math.inf:
                tightest[counts] = min(budget, tightest.get(counts, budget))
    counted, bounds = list(tightest), list(tightest.values())
    limits_of: list[list[int]] = [[] for _ in range(graph.vertices)]
    for limit, members in enumerate(counted):
        for member in members:
            limits_of[member].append(limit)
    return [tuple(limits) for limits in limits_of], bounds, counted
