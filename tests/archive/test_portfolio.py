from __future__ import annotations

import math
import random

import pytest
from contracts.storage_graph import least_storage, paper_graph, plans, small_graphs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelhub.archive.graph import Edge, Group, Scheme, StorageGraph
from modelhub.archive.measurement import fault, measure
from modelhub.archive.portfolio import Solution, solve

schemes = st.sampled_from(["independent", "parallel"])
depths = st.sampled_from([None, 0, 1, 2])


def _budgets(graph: StorageGraph, solution: Solution) -> list[float]:
    given_instead = {item.group: item.given for item in solution.relaxed}
    return [given_instead.get(number, group.budget) for number, group in enumerate(graph.groups)]


def test_the_paper_graph_is_solved_to_its_optimum() -> None:
    solution = solve(paper_graph())
    assert solution.plan.storage == 24
    assert solution.plan.group_costs == (3, 6)
    assert solution.relaxed == ()


@settings(deadline=None)
@given(small_graphs(), schemes, depths)
def test_the_plan_is_complete_and_within_its_bounds(graph: StorageGraph, scheme: Scheme, most: int | None) -> None:
    solution = solve(graph, scheme=scheme, max_depth=most, effort=0.02)
    measured = measure(graph, solution.plan.chosen, scheme)
    assert measured == solution.plan
    assert fault(measured, _budgets(graph, solution), most) is None
    for attempt in solution.attempts:
        if attempt.fault is None:
            assert solution.plan.storage <= attempt.storage


TURNED = StorageGraph(
    4,
    (
        *(Edge(0, (), 4, 1), Edge(1, (), 4, 0), Edge(2, (), 0, 0), Edge(3, (), 0, 0)),
        *(Edge(0, (1,), 1, 0), Edge(1, (0, 2), 0, 0)),
    ),
)
"""Its optimum is reached by turning the first two round, over a second reference."""

IN_THE_WAY = StorageGraph(
    4,
    (
        *(Edge(0, (), 0, 0), Edge(1, (), 1, 0), Edge(2, (), 0, 1), Edge(3, (), 0, 1)),
        *(Edge(1, (2, 3), 0, 0), Edge(2, (0,), 0, 0), Edge(3, (0,), 0, 0)),
    ),
)
"""With a depth of at most 1, two tensors must be kept whole before a third can rest on both."""


@settings(deadline=None, derandomize=True)
@example(TURNED, "independent", None)
@example(IN_THE_WAY, "independent", 1)
@given(small_graphs(vertices=4), schemes, depths)
def test_tiny_graphs_are_solved_to_their_optimum(graph: StorageGraph, scheme: Scheme, most: int | None) -> None:
    solution = solve(graph, scheme=scheme, max_depth=most, effort=0.1)
    best = least_storage(graph, scheme, _budgets(graph, solution), most)
    assert solution.plan.storage == pytest.approx(best, abs=1e-6)


@settings(deadline=None)
@given(small_graphs(), schemes)
def test_a_plan_within_its_bounds_is_never_replaced_by_a_larger_one(graph: StorageGraph, scheme: Scheme) -> None:
    for current in list(plans(graph, scheme))[:3]:
        solution = solve(graph, scheme=scheme, current=current.chosen, effort=0.0)
        if fault(current, _budgets(graph, solution), None) is None:
            assert solution.plan.storage <= current.storage


def test_the_current_plan_is_kept_where_nothing_smaller_is_found() -> None:
    best = solve(paper_graph())
    again = solve(paper_graph(), current=best.plan.chosen)
    assert again.solver == "current"
    assert again.plan == best.plan


def test_a_current_plan_that_is_none_is_reported_and_not_taken() -> None:
    solution = solve(paper_graph(), current=(0, 0))
    assert solution.attempts[0].solver == "current"
    assert solution.attempts[0].fault == "goes in circles or leaves a tensor out"
    assert solution.plan.storage == 24


def test_a_budget_that_cannot_be_met_is_relaxed_and_named() -> None:
    graph = StorageGraph(
        2, (Edge(0, (), 9, 4), Edge(1, (), 9, 4), Edge(1, (0,), 1, 1)), (Group((0,), 3), Group((1,), 5))
    )
    solution = solve(graph)
    assert [(item.group, item.asked, item.given) for item in solution.relaxed] == [(0, 3, 4)]
    assert solution.plan.storage == 10


def test_the_same_graph_gives_the_same_plan() -> None:
    dice = random.Random(3)
    edges = [Edge(vertex, (), dice.uniform(5, 9), dice.uniform(1, 2)) for vertex in range(40)]
    for vertex in range(1, 40):
        for source in {dice.randrange(vertex) for _ in range(3)}:
            edges.append(Edge(vertex, (source,), dice.uniform(1, 4), dice.uniform(0.5, 1)))
    groups = tuple(Group(tuple(range(start, start + 5)), 14.0) for start in range(0, 40, 5))
    graph = StorageGraph(40, tuple(edges), groups)
    one, other = solve(graph, effort=0.3), solve(graph, effort=0.3)
    assert one == other
    sure = {attempt.solver: attempt for attempt in one.attempts}
    assert one.plan.storage < sure["shortest paths"].storage
    assert one.plan.storage <= min(sure[name].storage for name in ("PAS-MT", "PAS-PT") if sure[name].fault is None)


def test_a_graph_of_nothing_has_the_plan_of_nothing() -> None:
    assert solve(StorageGraph(0, ())).plan.chosen == ()


def test_groups_without_budget_bind_nothing() -> None:
    graph = paper_graph()
    unbound = StorageGraph(5, graph.edges, tuple(Group(group.members, math.inf) for group in graph.groups))
    assert solve(unbound).plan.storage == 19
