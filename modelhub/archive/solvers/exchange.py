"""Improves a plan within its bounds: disturb it in one place, mend it, save what there is room for, keep the better."""

from __future__ import annotations

import random
from itertools import pairwise

from modelhub.archive.solvers.mending import SMALL, mend, save
from modelhub.archive.working_plan import WorkingPlan

WARMTH = 0.002
"""The share of the storage of up to 200 mean vertices by which a step may be worse at first."""
MOST_MEMBERS = 40
"""How many members of the groups touched are looked at in one round."""
LONGEST_TURN = 6
EAGER = 0.5
"""The share of disturbances after which what moved is looked at first."""
TURNS = 0.3
"""The share of disturbances that turn a path round."""


def improve(plan: WorkingPlan, shortest: list[int], rounds: int, seed: int) -> list[int]:
    """Try `rounds` disturbances of a plan that violates nothing, and return the edges of the best plan seen.

    Iterated local search with threshold accepting (Dueck and Scheuer 1990). A round costs
    what the groups it touches do.
    """
    dice = random.Random(seed)  # noqa: S311 -- chance in a search, and the same each time
    free = [vertex for vertex, ways in enumerate(plan.problem.into) if len(ways) > 1]
    least, best = plan.storage, list(plan.chosen)
    warmth = WARMTH * plan.storage * min(len(free), 200) / max(len(free), 1)
    plan.journal.clear()
    for number in range(rounds if free else 0):
        before = plan.storage
        _disturb(plan, dice.choice(free), shortest, dice)
        if plan.storage > before + warmth * (1 - number / rounds) * dice.random():
            plan.go_back(0)
        plan.journal.clear()
        if plan.storage < least - SMALL:
            least, best = plan.storage, list(plan.chosen)
    return best


def _disturb(plan: WorkingPlan, vertex: int, shortest: list[int], dice: random.Random) -> None:
    fixed = _turn(plan, vertex, dice) if dice.random() < TURNS else _swap(plan, vertex, dice)
    if fixed < 0:
        return
    mend(plan, shortest, fixed=fixed, pick=lambda members: _some(members, dice))
    moved = dict.fromkeys(plan.problem.target[edge] for edge in plan.journal)
    save(plan, _neighbourhood(plan, list(moved), dice))


def _swap(plan: WorkingPlan, vertex: int, dice: random.Random) -> int:
    """Give a vertex any other edge, and make way for it. Return the vertex, or -1 where that edge is not allowed."""
    problem = plan.problem
    edge = dice.choice(problem.into[vertex])
    if edge == plan.chosen[vertex]:
        return -1
    if plan.shift(edge, plan.below(vertex)) is None:
        _make_way(plan, edge)
    if plan.shift(edge, plan.below(vertex)) is None:
        plan.go_back(0)
        return -1
    plan.move(edge)
    return vertex


def _make_way(plan: WorkingPlan, edge: int) -> None:
    """Materialise what an edge rests on, where it is too deep or one of two: a single circle is left to turns."""
    problem = plan.problem
    sources = problem.sources[edge]
    if len(sources) == 1 and sources[0] in plan.below(problem.target[edge]):
        return
    for source in sources:
        if plan.chosen[source] != problem.whole[source]:
            plan.move(problem.whole[source])


def _turn(plan: WorkingPlan, vertex: int, dice: random.Random) -> int:
    """Turn a piece of the path to a vertex round: it is materialised, and what it rested on rests on it."""
    problem = plan.problem
    path = [vertex]
    for _ in range(dice.randrange(1, LONGEST_TURN)):
        sources = problem.sources[plan.chosen[path[-1]]]
        if len(sources) != 1:
            break
        path.append(sources[0])
    plan.move(problem.whole[vertex])
    for nearer, farther in pairwise(path):
        back = next((edge for edge in problem.into[farther] if nearer in problem.sources[edge]), -1)
        if back < 0 or plan.shift(back, plan.below(farther)) is None:
            break
        plan.move(back)
    return vertex


def _neighbourhood(plan: WorkingPlan, moved: list[int], dice: random.Random) -> list[int]:
    """Return what moved, those that could rest on it, and some that share a limit with it, in order.

    What moved comes first or last: first it mostly moves back, unless that has become the worse, last others have used
    what it freed.
    """
    problem = plan.problem
    near = dict.fromkeys(problem.target[edge] for vertex in moved for edge in problem.out_of[vertex])
    for vertex in moved:
        near.pop(vertex, None)
    limits = dict.fromkeys(limit for vertex in moved for limit in problem.limits_of[vertex])
    others = [member for limit in limits for member in problem.counted[limit] if member not in near]
    beside = [*near, *_some(others, dice)]
    return [*moved, *beside] if dice.random() < EAGER else [*beside, *moved]


def _some(members: list[int], dice: random.Random) -> list[int]:
    return dice.sample(members, min(len(members), MOST_MEMBERS))
