"""Brings a plan within its bounds at little storage, and takes back what storage the bounds leave room for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from modelhub.archive.working_plan import WorkingPlan

SMALL = 1e-9


def mend(plan: WorkingPlan, shortest: list[int], fixed: int = -1) -> None:
    """Swap edges, the most violation removed for each unit of storage first, until no limit is violated.

    No swap takes another limit over its bound. The vertex `fixed` keeps its edge if it can. Where no swap helps, the
    members of a violated limit get their shortest paths: with bounds that these keep, mending always succeeds.
    """
    while plan.violated:
        edge = _best_remedy(plan, fixed)
        if edge >= 0:
            plan.move(edge)
        elif fixed >= 0:
            fixed = -1
        else:
            _shorten_paths(plan, min(plan.violated), shortest)


def _best_remedy(plan: WorkingPlan, fixed: int) -> int:
    problem = plan.problem
    over = {limit: plan.costs[limit] - problem.bounds[limit] for limit in plan.violated}
    members = [member for limit in sorted(over) for member in problem.counted[limit]]
    best, best_score = -1, (0.0, 0.0)
    for vertex in plan.rests_on(members):
        if vertex == fixed:
            continue
        below = plan.below(vertex)
        for edge in problem.into[vertex]:
            score = _remedy(plan, edge, below, over)
            if score > best_score:
                best, best_score = edge, score
    return best


def _remedy(plan: WorkingPlan, edge: int, below: list[int], over: dict[int, float]) -> tuple[float, float]:
    """Return how much violation a swap removes for each unit of storage, and how much at all."""
    problem = plan.problem
    shift = plan.shift(edge, below)
    if shift is None or shift >= -SMALL:
        return 0.0, 0.0
    changes = plan.changes(edge, below) or {}
    if any(change > 0 and limit in over for limit, change in changes.items()) or plan.exceeds(changes):
        return 0.0, 0.0
    gain = sum(min(-changes[limit], excess) for limit, excess in over.items() if limit in changes)
    extra = problem.storage[edge] - problem.storage[plan.chosen[below[0]]]
    return (math.inf if extra <= 0 else gain / extra), gain


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
    problem = plan.problem
    waiting = deque(vertices)
    queued = set(waiting)
    while waiting:
        vertex = waiting.popleft()
        queued.discard(vertex)
        below = plan.below(vertex)
        edge = _best_saving(plan, vertex, below)
        if edge < 0:
            continue
        freed = problem.sources[plan.chosen[vertex]]
        plan.move(edge, below)
        for other in (*below, *freed, *plan.rests_on([vertex])):
            for touched in (other, *(problem.target[onward] for onward in problem.out_of[other])):
                if touched not in queued:
                    queued.add(touched)
                    waiting.append(touched)


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
