"""Measures a plan from nothing, and says what is wrong with it. No solver's own figures are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelhub.archive.graph import Scheme, StorageGraph

TOLERANCE = 1e-9
"""The share of a budget by which rounding may exceed it."""


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """One edge for each tensor, and what that comes to.

    `chosen` are positions in the graph's edges. A tensor's `recreation` is the sum over itself and every tensor it
    rests on, each once; its `depths` entry is the longest chain of deltas below it. `group_costs` follow the scheme.
    """

    chosen: tuple[int, ...]
    storage: float
    recreation: tuple[float, ...]
    depths: tuple[int, ...]
    group_costs: tuple[float, ...]


def allowed(budget: float) -> float:
    """Return a budget with the rounding that is let pass."""
    return budget * (1 + TOLERANCE) + TOLERANCE


def measure(graph: StorageGraph, chosen: Sequence[int], scheme: Scheme) -> StoragePlan | None:
    """Return what a choice of edges comes to; None where it is incomplete or goes in circles.

    Cost: linear, but for edges with two sources, which cost the number of tensors they rest on.
    """
    if not _is_complete(graph, chosen) or (order := _order(graph, chosen)) is None:
        return None
    recreation, depths = [0.0] * graph.vertices, [0] * graph.vertices
    for vertex in order:
        edge = graph.edges[chosen[vertex]]
        if len(edge.sources) < 2:
            recreation[vertex] = edge.recreation + sum(recreation[source] for source in edge.sources)
        else:
            recreation[vertex] = sum(graph.edges[chosen[item]].recreation for item in _closure(graph, chosen, vertex))
        depths[vertex] = max((depths[source] + 1 for source in edge.sources), default=0)
    costs = ([recreation[member] for member in sorted(set(group.members))] for group in graph.groups)
    combine = sum if scheme == "independent" else lambda values: max(values, default=0.0)
    return StoragePlan(
        tuple(chosen),
        sum(graph.edges[edge].storage for edge in chosen),
        tuple(recreation),
        tuple(depths),
        tuple(combine(values) for values in costs),
    )


def fault(plan: StoragePlan | None, budgets: Sequence[float], max_depth: int | None) -> str | None:
    """Return why a plan is not allowed, in words; None where it is."""
    if plan is None:
        return "goes in circles or leaves a tensor out"
    if max_depth is not None and (depth := max(plan.depths, default=0)) > max_depth:
        return f"depth {depth} is over {max_depth}"
    over = [group for group, cost in enumerate(plan.group_costs) if cost > allowed(budgets[group])]
    if not over:
        return None
    worst = max(over, key=lambda group: plan.group_costs[group] / max(budgets[group], 1e-300))
    costs = f"{plan.group_costs[worst]:.6g} of {budgets[worst]:.6g}"
    return f"{len(over)} of {len(budgets)} groups over budget, group {worst} with {costs}"


def _is_complete(graph: StorageGraph, chosen: Sequence[int]) -> bool:
    return len(chosen) == graph.vertices and all(
        0 <= edge < len(graph.edges) and graph.edges[edge].target == vertex for vertex, edge in enumerate(chosen)
    )


def _order(graph: StorageGraph, chosen: Sequence[int]) -> list[int] | None:
    """Return the tensors, each after what it rests on; None where there is a circle."""
    above: list[list[int]] = [[] for _ in range(graph.vertices)]
    waits = [0] * graph.vertices
    for vertex, edge in enumerate(chosen):
        waits[vertex] = len(graph.edges[edge].sources)
        for source in graph.edges[edge].sources:
            above[source].append(vertex)
    order = [vertex for vertex in range(graph.vertices) if not waits[vertex]]
    for vertex in order:
        for other in above[vertex]:
            waits[other] -= 1
            if not waits[other]:
                order.append(other)
    return order if len(order) == graph.vertices else None


def _closure(graph: StorageGraph, chosen: Sequence[int], vertex: int) -> list[int]:
    found = {vertex: None}
    stack = [vertex]
    while stack:
        for source in graph.edges[chosen[stack.pop()]].sources:
            if source not in found:
                found[source] = None
                stack.append(source)
    return list(found)
