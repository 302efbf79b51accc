"""The least storage there is, by an integer program: for small graphs without second references."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp
from scipy.sparse import coo_array, csr_array, vstack

from modelhub.archive.graph import StorageGraph
from modelhub.archive.measurement import allowed
from modelhub.archive.problem import Problem, pose
from modelhub.archive.solvers.shortest_paths import shortest_paths
from modelhub.archive.working_plan import WorkingPlan

MOST_PATHS = 200_000


@dataclass(frozen=True, slots=True)
class Exact:
    """The least storage of a plan that is known, and a bound that none is below: equal where it is the optimum."""

    storage: float
    bound: float


@dataclass(slots=True)
class _Path:
    edge: int
    before: int
    cost: float


def exact(graph: StorageGraph, scheme: str, seconds: float, known: float) -> Exact | None:
    """Return the optimum or what is known of it after some seconds; None where there are too many paths.

    One variable for each simple path from nothing to each tensor that the budgets leave possible: it is 1 where the
    plan decodes the tensor so, and then the path before its last edge is the plan's too. `known` is the storage of a
    plan that is allowed: paths that the relaxed program proves to be in no better plan are left out of the integer one.
    """
    problem = pose(graph, scheme, None)
    paths = _paths(problem)
    if paths is None:
        return None
    storage = np.array([graph.edges[path.edge].storage for path in paths])
    matrix, low, high = _constraints(problem, paths)
    relaxed = _relaxed(storage, matrix, low, high)
    kept = np.flatnonzero(relaxed.fun + relaxed.lower.marginals <= known * (1 + 1e-7))
    answer = milp(
        storage[kept],
        integrality=np.ones(len(kept)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix[:, kept], low, high),
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    found = known if answer.x is None else min(known, float(answer.fun))
    bound = relaxed.fun if answer.mip_dual_bound is None else max(relaxed.fun, float(answer.mip_dual_bound))
    return Exact(found, min(bound, found))


def _relaxed(storage: np.ndarray, matrix: csr_array, low: np.ndarray, high: np.ndarray) -> OptimizeResult:
    equal = low == high
    upper = np.isfinite(high) & ~equal
    lower = np.isfinite(low) & ~equal
    return linprog(
        storage,
        A_ub=vstack([matrix[upper], -matrix[lower]]).tocsr(),
        b_ub=np.concatenate([high[upper], -low[lower]]),
        A_eq=matrix[equal],
        b_eq=low[equal],
        bounds=(0, None),
    )


def _constraints(problem: Problem, paths: list[_Path]) -> tuple[csr_array, np.ndarray, np.ndarray]:
    rows, columns, values, low, high = [], [], [], [], []

    def add(entries: list[tuple[int, float]], least: float, most: float) -> None:
        for column, value in entries:
            rows.append(len(low))
            columns.append(column)
            values.append(value)
        low.append(least)
        high.append(most)

    at: list[list[int]] = [[] for _ in problem.into]
    for number, path in enumerate(paths):
        at[problem.target[path.edge]].append(number)
        if path.before >= 0:
            add([(path.before, 1.0), (number, -1.0)], 0.0, np.inf)
    for numbers in at:
        add([(number, 1.0) for number in numbers], 1.0, 1.0)
    for members, bound in zip(problem.counted, problem.bounds, strict=True):
        add([(number, paths[number].cost) for member in members for number in at[member]], -np.inf, allowed(bound))
    shape = (len(low), len(paths))
    return coo_array((values, (rows, columns)), shape=shape).tocsr(), np.array(low), np.array(high)


def _paths(problem: Problem) -> list[_Path] | None:
    most = _most_recreation(problem)
    paths: list[_Path] = []
    for ways in problem.into:
        for edge in ways:
            if not problem.sources[edge] and problem.recreation[edge] <= most[problem.target[edge]]:
                paths.append(_Path(edge, -1, problem.recreation[edge]))
    for number, path in enumerate(paths):
        if len(paths) > MOST_PATHS:
            return None
        seen = _vertices(problem, paths, number)
        for edge in problem.out_of[problem.target[path.edge]]:
            target = problem.target[edge]
            cost = path.cost + problem.recreation[edge]
            if len(problem.sources[edge]) == 1 and target not in seen and cost <= most[target]:
                paths.append(_Path(edge, number, cost))
    return paths


def _vertices(problem: Problem, paths: list[_Path], number: int) -> set[int]:
    found = set()
    while number >= 0:
        found.add(problem.target[paths[number].edge])
        number = paths[number].before
    return found


def _most_recreation(problem: Problem) -> list[float]:
    """Return for each tensor what its groups leave it when all others in them are decoded as fast as can be."""
    least = WorkingPlan(problem, shortest_paths(problem))
    most = [float("inf")] * problem.graph.vertices
    for limit, members in enumerate(problem.counted):
        spare = allowed(problem.bounds[limit]) - least.costs[limit]
        for member in members:
            most[member] = min(most[member], least.recreation[member] + spare + 1e-12)
    return most
