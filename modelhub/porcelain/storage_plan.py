"""Choose the ways to keep all tensors: least storage, and no version slower to get back than its bound."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelhub.errors import InternalError
from modelhub.porcelain.storage_ways import Way
from modelhub.porcelain.stored_tensors import StoredTensors
from modelhub.progress import Progress
from modelhub.repository.repository import Repository
from modelhub.store.object_writer import MAX_DEPTH

if TYPE_CHECKING:
    from modelhub.archive.graph import StorageGraph
    from modelhub.archive.measurement import StoragePlan
    from modelhub.archive.portfolio import Solution

HOT_SHARE = 0.5
"""Versions that a ref names may take so much of the time more that the others may."""

DELIVERY_SECONDS = 0.25
DELIVERY_SECONDS_A_BYTE = 2.5e-9
"""What a checkout takes besides decoding: starting, hashing and writing the file."""

COMPARED_EFFORT = 0.25
"""How long is searched for what it would take to bring every version within the bound, only to say so."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The greatest recreation cost of a version, as a multiple of what it costs with every tensor whole, and how many
    versions are over the bound."""

    slowest: float
    slow: int


@dataclass(frozen=True, slots=True)
class PlannedStorage:
    """The plan. `slow_now` counts the versions that are over the bound as they are stored.

    `within_nbytes` is what a plan takes in which none is: None where none is with this one.
    """

    solution: Solution
    slow_now: int
    within_nbytes: float | None
    _graph: StorageGraph
    _costs: Sequence[_Cost]
    _current: Sequence[int]

    @property
    def storage(self) -> float:
        """The bytes of all tensors."""
        return self.solution.plan.storage

    def speed(self, anew: Set[int]) -> Speed:
        """Return how quick the versions are where of the plan the tensors `anew` are done, and the others as now.

        Raises InternalError where that comes back to itself.
        """
        edges = zip(self.solution.plan.chosen, self._current, strict=True)
        plan = measured(self._graph, [then if at in anew else now for at, (then, now) in enumerate(edges)])
        pairs = zip(plan.group_costs, self._costs, strict=True)
        slowest = max((((cost + one.delivery) / (one.decoding + one.delivery)) for cost, one in pairs), default=1.0)
        return Speed(slowest, _slow(self._graph, plan))


def plan_storage(
    repo: Repository,
    known: StoredTensors,
    ways: Sequence[Way],
    *,
    bound: float,
    is_strict: bool,
    progress: Progress,
) -> PlannedStorage:
    """Return the smallest plan found in which no version takes more than `bound` times its time with all tensors whole.

    One that a ref names may take half of the additional time. Unless `is_strict` a version that takes longer now may
    take as long as now: then the plan is never larger than what is stored. Cost: minutes for some ten thousand tensors.
    """
    from modelhub.archive.portfolio import solve

    current = current_ways(known, ways)
    costs = _costs(repo, known, ways, bound)
    graph = storage_graph(known, ways, [cost.budget for cost in costs])
    present = measured(graph, current)
    asked = graph if is_strict else _no_tighter_than(graph, present)
    solution = solve(asked, max_depth=MAX_DEPTH, current=current, progress=progress)
    within = None
    if _slow(graph, solution.plan) and not is_strict:
        within = solve(graph, max_depth=MAX_DEPTH, effort=COMPARED_EFFORT, progress=progress).plan.storage
    return PlannedStorage(solution, _slow(graph, present), within, graph, costs, current)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds that one version takes with every tensor whole, without and for delivery, and those it may take."""

    decoding: float
    delivery: float
    budget: float


def _costs(repo: Repository, known: StoredTensors, ways: Sequence[Way], bound: float) -> list[_Cost]:
    whole: dict[int, float] = {}
    for way in ways:
        if not way.bases and (way.effort == "small" or way.tensor not in whole):
            whole[way.tensor] = way.seconds
    held = repo.refs.held()
    found = []
    for commit, members in known.versions.items():
        decoding = sum(whole[member] for member in members)
        nbytes = sum(known.tensors[member].info.size for member in members)
        delivery = DELIVERY_SECONDS + DELIVERY_SECONDS_A_BYTE * nbytes
        factor = 1 + HOT_SHARE * (bound - 1) if commit in held else bound
        found.append(_Cost(decoding, delivery, factor * (decoding + delivery) - delivery))
    return found


def storage_graph(known: StoredTensors, ways: Sequence[Way], budgets: Sequence[float]) -> StorageGraph:
    """Return the graph of these ways, with a group of this budget for each version."""
    from modelhub.archive.graph import Edge, Group, StorageGraph

    edges = tuple(Edge(way.tensor, way.bases, way.nbytes, way.seconds) for way in ways)
    pairs = zip(known.versions.values(), budgets, strict=True)
    return StorageGraph(len(known.tensors), edges, tuple(Group(members, budget) for members, budget in pairs))


def current_ways(known: StoredTensors, ways: Sequence[Way]) -> list[int]:
    """Return the number of the way in which each tensor is kept now.

    That is whole where what it builds on is in no version any more.
    """
    chosen = [-1] * len(known.tensors)
    for number, way in enumerate(ways):
        if way.is_current or (not way.bases and chosen[way.tensor] < 0):
            chosen[way.tensor] = number
    return chosen


def measured(graph: StorageGraph, chosen: Sequence[int]) -> StoragePlan:
    """Return what these edges come to, each tensor read by itself. Raises InternalError where they go in circles."""
    from modelhub.archive.measurement import measure

    plan = measure(graph, chosen, "independent")
    if plan is None:
        raise InternalError("what is stored is no plan")
    return plan


def _no_tighter_than(graph: StorageGraph, present: StoragePlan) -> StorageGraph:
    """Return the graph with each budget at least what its group costs now."""
    pairs = zip(graph.groups, present.group_costs, strict=True)
    return replace(graph, groups=tuple(replace(group, budget=max(group.budget, cost)) for group, cost in pairs))


def _slow(graph: StorageGraph, plan: StoragePlan) -> int:
    from modelhub.archive.measurement import allowed

    pairs = zip(graph.groups, plan.group_costs, strict=True)
    return sum(cost > allowed(group.budget) for group, cost in pairs)
