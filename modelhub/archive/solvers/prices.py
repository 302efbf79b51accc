"""Puts a price on each limit's recreation, and looks for the prices at which plans meet the bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelhub.archive.problem import Problem
from modelhub.archive.solvers.worklist import Worklist
from modelhub.archive.working_plan import WorkingPlan

SMALL = 1e-9
LOWEST, HIGHEST = 1e-4, 1e4
"""How far a price may go from the one all begin with."""


def priced_plans(problem: Problem, smallest: list[int], shortest: list[int], rounds: int) -> Iterator[WorkingPlan]:
    """Yield the plan of each round of prices, mostly near the bounds, not always within them.

    Lagrangian relaxation: storage + sum of price x cost is what each plan makes locally least, starting at the plan of
    the round before. A limit that is over its bound gets dearer, one below it cheaper, by less and less. The plan
    yielded is changed by the next round: copy what is kept.
    """
    plan = WorkingPlan(problem, shortest)
    floor = list(plan.costs)
    first = _first_price(problem, smallest, plan)
    prices = [first] * len(problem.bounds)
    for number in range(rounds):
        descend(plan, _weights(problem, prices), range(problem.graph.vertices))
        yield plan
        step = 1.0 / (1.0 + number / 8)
        for limit, bound in enumerate(problem.bounds):
            wanted = max(bound - floor[limit], 0.02 * floor[limit], SMALL)
            ratio = max(plan.costs[limit] - floor[limit], 0.0) / wanted
            factor = min(max(ratio, 0.2), 5.0) ** step
            prices[limit] = min(max(prices[limit] * factor, first * LOWEST), first * HIGHEST)


def _first_price(problem: Problem, smallest: list[int], fastest: WorkingPlan) -> float:
    least = WorkingPlan(problem, smallest)
    storage = fastest.storage - least.storage
    cost = sum(least.costs) - sum(fastest.costs)
    return max(storage, SMALL) / max(cost, SMALL)


def _weights(problem: Problem, prices: list[float]) -> list[float]:
    return [sum(prices[limit] for limit in limits) for limits in problem.limits_of]


def descend(plan: WorkingPlan, weights: list[float], vertices: Iterable[int]) -> None:
    """Swap edges while storage + sum of weight x recreation falls."""
    work = Worklist(plan.problem, vertices)
    for vertex in work:
        below = plan.below(vertex)
        edge = _best_priced(plan, vertex, below, weights)
        if edge < 0:
            continue
        before = plan.rests_on([vertex])
        plan.move(edge, below)
        work.add(dict.fromkeys((*below, *before, *plan.rests_on([vertex]))))
        work.add(work.resting_on(below))


def _best_priced(plan: WorkingPlan, vertex: int, below: list[int], weights: list[float]) -> int:
    problem = plan.problem
    now = problem.storage[plan.chosen[vertex]]
    mixed = plan.is_mixed(below)
    weight = sum(weights[item] for item in below)
    best, least = -1, -SMALL * max(now, 1.0)
    for edge in problem.into[vertex]:
        extra = problem.storage[edge] - now
        if edge == plan.chosen[vertex]:
            continue
        shift = plan.shift(edge, below)
        if shift is None:
            continue
        change = extra + (_priced_change(plan, edge, below, weights) if mixed else weight * shift)
        if change < least:
            best, least = edge, change
    return best


def _priced_change(plan: WorkingPlan, edge: int, below: list[int], weights: list[float]) -> float:
    old = plan.chosen[below[0]]
    before = sum(weights[item] * plan.recreation[item] for item in below)
    plan.move(edge, below)
    after = sum(weights[item] * plan.recreation[item] for item in below)
    plan.move(old, below)
    return after - before
