"""Runs every solver, verifies each plan, and keeps the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelhub.archive.graph import Scheme, StorageGraph
from modelhub.archive.measurement import StoragePlan, allowed, fault, measure
from modelhub.archive.problem import pose
from modelhub.archive.solvers.arborescence import minimum_arborescence, smallest
from modelhub.archive.solvers.balancing import balance
from modelhub.archive.solvers.enumeration import Bounds, enumerate_parts
from modelhub.archive.solvers.growth import grow
from modelhub.archive.solvers.light_trees import STRETCHES, light_tree
from modelhub.archive.solvers.refinement import refine_smallest
from modelhub.archive.solvers.shortest_paths import shortest_paths
from modelhub.errors import InternalError
from modelhub.progress import SILENT, Progress

SCORES = 4_000_000
"""How many swaps PAS-MT and PAS-PT may score."""
NODES = 200_000
"""How many partial plans are looked at to solve small parts exactly."""
ROUNDS = 8_000
ROUNDS_OF_SMALL = 20_000
SMALL = 2_000
"""How many disturbances our own solver tries, and in graphs of at most how many tensors it tries more, cheaper ones."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one solver came to. `fault` says why its plan is not allowed, None where it is; `ended` is False where the
    limit on its steps stopped it."""

    solver: str
    storage: float
    fault: str | None
    ended: bool = True


@dataclass(frozen=True, slots=True)
class RelaxedBudget:
    """A group that cannot be had within its budget even by shortest paths, and what it is allowed instead."""

    group: int
    asked: float
    given: float


@dataclass(frozen=True, slots=True)
class Solution:
    """The best verified plan, who found it, and what every solver came to."""

    plan: StoragePlan
    solver: str
    attempts: tuple[Attempt, ...]
    relaxed: tuple[RelaxedBudget, ...]


def solve(
    graph: StorageGraph,
    *,
    scheme: Scheme = "independent",
    max_depth: int | None = None,
    current: Sequence[int] | None = None,
    effort: float = 1.0,
    progress: Progress = SILENT,
) -> Solution:
    """Return the plan of least storage found in which every group is within its budget and no chain over `max_depth`.

    `current` are the chosen edges of a plan to compare with: it is kept where it is allowed and nothing smaller is
    found. A budget that shortest paths cannot meet is relaxed to what they give. `effort` scales how long is searched;
    the same input gives the same plan. Cost: minutes for some ten thousand vertices, seconds for hundreds.
    """
    search = _Search(graph, scheme, max_depth, effort)
    progress.start("Planning the storage", len(_SOLVERS) + 1, "solvers")
    if current is not None:
        search.take("current", current)
    progress.advance(1)
    for name, solver in _SOLVERS.items():
        solver(search, name)
        progress.advance(1)
    return search.solution()


class _Search:
    """One problem, the plans so far, and the best of those that are allowed."""

    def __init__(self, graph: StorageGraph, scheme: Scheme, max_depth: int | None, effort: float) -> None:
        self.graph, self.scheme, self.max_depth = graph, scheme, max_depth
        asked = pose(graph, scheme, max_depth)
        self.shortest = shortest_paths(asked)
        fastest = measure(graph, self.shortest, scheme)
        if fastest is None:
            raise InternalError("the shortest paths are no plan")
        self.relaxed = tuple(
            RelaxedBudget(number, group.budget, cost)
            for number, (group, cost) in enumerate(zip(graph.groups, fastest.group_costs, strict=True))
            if cost > allowed(group.budget)
        )
        given = {item.group: item.given for item in self.relaxed}
        self.budgets = [given.get(number, group.budget) for number, group in enumerate(graph.groups)]
        self.problem = asked.within(self.budgets)
        self.arborescence = minimum_arborescence(self.problem)
        self.smallest = smallest(self.problem)
        self.scores = int(SCORES * effort)
        self.rounds = int((ROUNDS_OF_SMALL if graph.vertices <= SMALL else ROUNDS) * effort)
        self.is_least = False
        self.attempts: list[Attempt] = []
        self.allowed: list[tuple[str, StoragePlan]] = []

    def take(self, name: str, chosen: Sequence[int], ended: bool = True) -> None:
        """Verify a plan and note what it came to."""
        plan = measure(self.graph, chosen, self.scheme)
        why = fault(plan, self.budgets, self.max_depth)
        if plan is not None and why is None:
            self.allowed.append((name, plan))
        self.attempts.append(Attempt(name, plan.storage if plan else float("inf"), why, ended))

    def solution(self) -> Solution:
        """Return the smallest allowed plan, the first of equals."""
        name, plan = min(self.allowed, key=lambda item: item[1].storage)
        return Solution(plan, name, tuple(self.attempts), self.relaxed)


def _run_shortest(search: _Search, name: str) -> None:
    search.take(name, search.shortest)


def _run_smallest(search: _Search, name: str) -> None:
    search.take(name, search.smallest)


def _run_light(search: _Search, name: str) -> None:
    best: tuple[tuple[bool, float], list[int]] | None = None
    for stretch in STRETCHES:
        chosen = light_tree(search.problem, search.arborescence, search.shortest, stretch)
        plan = measure(search.graph, chosen, search.scheme)
        if plan is not None:
            key = (fault(plan, search.budgets, search.max_depth) is not None, plan.storage)
            if best is None or key < best[0]:
                best = key, chosen
    search.take(name, best[1] if best else ())


def _run_refinement(search: _Search, name: str) -> None:
    search.take(name, *refine_smallest(search.problem, search.arborescence, search.scores))


def _run_growth(search: _Search, name: str) -> None:
    search.take(name, *grow(search.problem, search.scores))


def _run_enumeration(search: _Search, name: str) -> None:
    best = min(search.allowed, key=lambda item: item[1].storage)[1].chosen
    bounds = Bounds(search.scheme, search.budgets, search.max_depth)
    found = enumerate_parts(search.graph, bounds, best, NODES)
    search.take(name, found.chosen, found.is_least)
    search.is_least = found.is_least


def _run_balance(search: _Search, name: str) -> None:
    if search.is_least:
        return
    others = [plan.chosen for _, plan in search.allowed]
    search.take(name, balance(search.problem, search.smallest, search.shortest, others, search.rounds))


_SOLVERS: dict[str, Callable[[_Search, str], None]] = {
    "shortest paths": _run_shortest,
    "least storage": _run_smallest,
    "LAST": _run_light,
    "PAS-MT": _run_refinement,
    "PAS-PT": _run_growth,
    "enumeration": _run_enumeration,
    "balance": _run_balance,
}
