"""Small parts of a graph are solved to their least; large ones and those that take too long stay as they were."""

from __future__ import annotations

import math
import random

import pytest
from contracts.storage_graph import least_storage, paper_graph, small_graphs
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.archive.graph import Edge, Group, Scheme, StorageGraph
from modelhub.archive.measurement import measure
from modelhub.archive.portfolio import solve
from modelhub.archive.solvers.enumeration import MOST_VERTICES, Bounds, enumerate_parts


@settings(deadline=None)
@given(small_graphs(), st.sampled_from(["independent", "parallel"]), st.sampled_from([None, 0, 1, 2]))
def test_small_graphs_are_solved_to_their_optimum_without_any_search(
    graph: StorageGraph, scheme: Scheme, most: int | None
) -> None:
    solution = solve(graph, scheme=scheme, max_depth=most, effort=0.0)
    given_instead = {item.group: item.given for item in solution.relaxed}
    budgets = [given_instead.get(number, group.budget) for number, group in enumerate(graph.groups)]
    assert solution.plan.storage == pytest.approx(least_storage(graph, scheme, budgets, most), abs=1e-6)
    assert next(one for one in solution.attempts if one.solver == "enumeration").ended


def whole(graph: StorageGraph) -> list[int]:
    return [
        next(number for number, edge in enumerate(graph.edges) if edge.target == vertex and not edge.sources)
        for vertex in range(graph.vertices)
    ]


def chain(start: int, count: int, *, budget: float) -> tuple[list[Edge], list[Group]]:
    """Return tensors that are deltas of the one before, in a group each."""
    edges = [Edge(start + number, (), 5, 1) for number in range(count)]
    edges += [Edge(start + number, (start + number - 1,), 1, 1) for number in range(1, count)]
    return edges, [Group((start + number,), budget) for number in range(count)]


def test_each_part_is_solved_by_itself_and_one_that_is_large_stays() -> None:
    parts = [chain(0, 6, budget=3), chain(6, MOST_VERTICES + 1, budget=3), chain(19, 4, budget=math.inf)]
    edges = tuple(edge for one, _ in parts for edge in one)
    groups = tuple(group for _, some in parts for group in some)
    graph = StorageGraph(23, edges, (*groups, Group(tuple(range(23)), math.inf)))
    budgets = [group.budget for group in graph.groups]
    found = enumerate_parts(graph, Bounds("independent", budgets, None), whole(graph), 100_000)
    assert not found.is_least
    plan = measure(graph, found.chosen, "independent")
    assert plan is not None
    storages = [graph.edges[edge].storage for edge in found.chosen]
    assert [sum(storages[:6]), sum(storages[6:19]), sum(storages[19:])] == [14, 13 * 5, 8]


def test_where_there_are_too_many_plans_the_best_so_far_is_kept() -> None:
    dice = random.Random(1)
    edges = [Edge(vertex, (), dice.uniform(5, 9), 1) for vertex in range(10)]
    edges += [
        Edge(target, (source,), dice.uniform(1, 4), 1)
        for target in range(10)
        for source in range(10)
        if target != source
    ]
    graph = StorageGraph(10, tuple(edges), (Group(tuple(range(10)), 15),))
    given_plan = whole(graph)
    found = enumerate_parts(graph, Bounds("independent", [15], None), given_plan, 50)
    before, after = (measure(graph, chosen, "independent") for chosen in (given_plan, found.chosen))
    assert not found.is_least
    assert before is not None
    assert after is not None
    assert after.storage <= before.storage
    assert after.group_costs[0] <= 15


def test_where_all_is_solved_nothing_more_is_searched() -> None:
    solvers = [one.solver for one in solve(paper_graph()).attempts]
    assert solvers[-1] == "enumeration"
    assert "balance" not in solvers
