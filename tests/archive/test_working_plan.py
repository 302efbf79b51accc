from __future__ import annotations

import random

import pytest
from contracts.storage_graph import small_graphs
from hypothesis import given
from hypothesis import strategies as st

from modelhub.archive.graph import Scheme, StorageGraph
from modelhub.archive.measurement import measure
from modelhub.archive.problem import pose
from modelhub.archive.working_plan import WorkingPlan


def _assert_agrees(plan: WorkingPlan, graph: StorageGraph) -> None:
    measured = measure(graph, plan.chosen, "independent")
    assert measured is not None
    unit = plan.problem.unit
    assert [value * unit for value in plan.recreation] == pytest.approx(list(measured.recreation))
    assert tuple(plan.depth) == measured.depths
    fresh = WorkingPlan(plan.problem, plan.chosen)
    assert plan.costs == pytest.approx(fresh.costs)
    assert plan.storage == pytest.approx(fresh.storage)
    assert plan.doubles == fresh.doubles


@given(small_graphs(vertices=7), st.integers(0, 1 << 16), st.sampled_from(["independent", "parallel"]))
def test_after_any_moves_the_figures_are_those_of_a_fresh_measurement(
    graph: StorageGraph, seed: int, scheme: Scheme
) -> None:
    problem = pose(graph, scheme, max_depth=4)
    plan = WorkingPlan(problem, problem.whole)
    dice = random.Random(seed)
    for _ in range(30):
        edge = dice.randrange(len(graph.edges))
        below = plan.below(problem.target[edge])
        if plan.shift(edge, below) is not None:
            changes, before = plan.changes(edge, below), list(plan.costs)
            plan.move(edge)
            for limit, change in (changes or {}).items():
                assert plan.costs[limit] - before[limit] == pytest.approx(change, abs=1e-9)
    _assert_agrees(plan, graph)
    assert not plan.is_deep()


@given(small_graphs(vertices=7), st.integers(0, 1 << 16))
def test_moves_can_be_taken_back(graph: StorageGraph, seed: int) -> None:
    problem = pose(graph, "independent", None)
    plan = WorkingPlan(problem, problem.whole)
    dice = random.Random(seed)
    for _ in range(20):
        edge = dice.randrange(len(graph.edges))
        if plan.shift(edge, plan.below(problem.target[edge])) is not None:
            plan.move(edge)
    plan.go_back(0)
    assert plan.chosen == problem.whole
    _assert_agrees(plan, graph)


@given(small_graphs(vertices=6), st.integers(0, 1 << 16))
def test_a_change_that_would_close_a_circle_is_not_allowed(graph: StorageGraph, seed: int) -> None:
    problem = pose(graph, "independent", None)
    plan = WorkingPlan(problem, problem.whole)
    dice = random.Random(seed)
    for _ in range(20):
        edge = dice.randrange(len(graph.edges))
        vertex = problem.target[edge]
        tried = [*plan.chosen]
        tried[vertex] = edge
        possible = measure(graph, tried, "independent") is not None
        assert (plan.shift(edge, plan.below(vertex)) is not None) == possible
        if possible:
            plan.move(edge)
