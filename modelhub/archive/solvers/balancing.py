"""The solver of our own: prices find where the bounds pull, mending and exchange make it a good plan within them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelhub.archive.problem import Problem
from modelhub.archive.solvers.exchange import improve
from modelhub.archive.solvers.mending import SMALL, mend, save
from modelhub.archive.solvers.prices import priced_plans
from modelhub.archive.working_plan import WorkingPlan

PRICE_ROUNDS = 24
MENDED_ROUNDS = 8
"""How many of the last rounds of prices are made into plans within the bounds."""


def balance(
    problem: Problem, smallest: list[int], shortest: list[int], others: Iterable[Sequence[int]], rounds: int
) -> list[int]:
    """Return the best plan within the bounds that is found; `shortest` must keep them.

    `others` are plans of other solvers to begin with too; what is returned is never larger than one of them that keeps
    the bounds. `rounds` disturbances are tried in the end, the same ones each time.
    """
    starts = [list(shortest), *map(list, others)]
    for number, plan in enumerate(priced_plans(problem, smallest, shortest, PRICE_ROUNDS)):
        if number >= PRICE_ROUNDS - MENDED_ROUNDS:
            starts.append(list(plan.chosen))
    best: WorkingPlan | None = None
    for chosen in starts:
        plan = WorkingPlan(problem, chosen)
        if plan.is_deep():
            continue
        mend(plan, shortest)
        save(plan, range(problem.graph.vertices))
        if best is None or plan.storage < best.storage - SMALL:
            best = plan
    assert best is not None
    return improve(best, shortest, rounds, seed=problem.graph.vertices)
