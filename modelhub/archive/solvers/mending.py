"""Brings a plan within its bounds at little storage, and takes back what storage the bounds leave room for."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable

from modelhub.archive.solvers.worklist import Worklist
from modelhub.archive.working_plan import WorkingPlan

SMALL = 1e-9

Pick = Callable[[list[int]], list[int]]
"""Chooses which of the members of violated limits are looked at first."""


def mend(plan: WorkingPlan, shortest: list[int], *, fixed: int = -1, pick: Pick = list) -> None:
    """Swap edges, the most violation removed for each unit of storage first, until no limit is violated.

    No swap takes another limit over its bound. The vertex `fixed` keeps its edge if it can. Where no swap helps, the
    members of a violated limit get their shortest paths: with bounds that these keep, mending always succeeds.
    """
    if plan.violated:
        _Mending(plan, fixed, pick).run()
    if plan.violated:
        _Mending(plan, -1, list).run()
    while plan.violated:
        _shorten_paths(plan, min(plan.violated), shortest)


class _Mending:
    """The swaps that could help, best first; a score that may be out of date is computed again when it is taken."""

    def __init__(self, plan: WorkingPlan, fixed: int, pick: Pick) -> None:
        self.plan = plan
        self.fixed = fixed
        self.pick = pick
        self.queue: list[tuple[float, float, int]] = []

    def run(self) -> None:
        """Take swaps until nothing is violated or none helps."""
        plan, problem = self.plan, self.plan.problem
        members = [member for limit in sorted(plan.violated) for member in problem.counted[limit]]
        self._offer(plan.rests_on(self.pick(members)))
        while plan.violated and self.queue:
            *noted, edge = heapq.heappop(self.queue)
            below = plan.below(problem.target[edge])
            score = self._score(edge, below)
            if score is None:
                continue
            if list(score) > noted:
                heapq.heappush(self.queue, (*score, edge))
                continue
            plan.move(edge, below)
            onward = (problem.target[item] for moved in below for item in problem.out_of[moved])
            self._offer(dict.fromkeys((*plan.rests_on(below[:1]), *onward)))

    def _offer(self, vertices: Iterable[int]) -> None:
        for vertex in vertices:
            below = self.plan.below(vertex)
            if vertex == self.fixed or not self._counts(below):
                continue
            for edge in self.plan.problem.into[vertex]:
                if (score := self._score(edge, below)) is not None:
                    heapq.heappush(self.queue, (*score, edge))

    def _counts(self, below: list[int]) -> bool:
        limits_of, violated = self.plan.problem.limits_of, self.plan.violated
        return any(limit in violated for vertex in below for limit in limits_of[vertex])

    def _score(self, edge: int, below: list[int]) -> tuple[float, float] | None:
        """Return minus the violation removed for each unit of storage, and minus all of it; None where none is."""
        plan, problem = self.plan, self.plan.problem
        shift = plan.shift(edge, below)
        if shift is None or shift >= -SMALL:
            return None
        changes = plan.changes(edge, below) or {}
        gain = 0.0
        for limit, change in changes.items():
            if limit in plan.violated:
                if change > 0:
                    return None
                gain += min(-change, plan.costs[limit] - problem.bounds[limit])
        if gain <= 0 or plan.exceeds(changes):
            return None
        extra = problem.storage[edge] - problem.storage[plan.chosen[below[0]]]
        return (-math.inf if extra <= 0 else -gain / extra), -gain


def _shorten_paths(plan: WorkingPlan, limit: int, shortest: list[int]) -> None:
    problem = plan.problem
    for member in problem.counted[limit]:
        path = [shortest[member]]
        while sources := problem.sources[path[-1]]:
            path.append(shortest[sources[0]])
        for edge in reversed(path):
            if plan.chosen[problem.target[edge]] != edge:
                plan.move(edge)


def save(plan: WorkingPlan, vertices: Iterable[int]) -> None:
    """Swap edges of these vertices, and of those touched by it, that store less while every bound holds.

    Where two edges store the same, the one that decodes faster is taken: what it frees may pay for others.
    """
    work = Worklist(plan.problem, vertices)
    for vertex in work:
        below = plan.below(vertex)
        edge = _best_saving(plan, vertex, below)
        if edge < 0:
            continue
        freed = plan.problem.sources[plan.chosen[vertex]]
        plan.move(edge, below)
        for other in (*below, *freed, *plan.rests_on([vertex])):
            work.add((other, *work.resting_on((other,))))


def _best_saving(plan: WorkingPlan, vertex: int, below: list[int]) -> int:
    problem = plan.problem
    now = problem.storage[plan.chosen[vertex]]
    mixed = plan.is_mixed(below)
    room = None
    best, best_key = -1, (now - SMALL, 0.0)
    for edge in problem.into[vertex]:
        if problem.storage[edge] > now + SMALL:
            break
        shift = plan.shift(edge, below) if edge != plan.chosen[vertex] else None
        if shift is None:
            continue
        same = abs(problem.storage[edge] - now) <= SMALL
        if same and shift >= -SMALL:
            continue
        key = (problem.storage[edge] - (2 * SMALL if same else 0.0), shift)
        if key >= best_key:
            continue
        if mixed:
            if plan.exceeds(plan.changes(edge, below) or {}):
                continue
        elif shift > 0:
            room = plan.room(below) if room is None else room
            if shift > room:
                continue
        best, best_key = edge, key
    return best
