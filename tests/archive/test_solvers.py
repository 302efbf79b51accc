from __future__ import annotations

import math

import pytest
from contracts.storage_graph import paper_graph, plans, small_graphs
from hypothesis import given

from modelhub.archive.graph import StorageGraph
from modelhub.archive.measurement import StoragePlan, measure
from modelhub.archive.problem import Problem, pose
from modelhub.archive.solvers.arborescence import minimum_arborescence, smallest
from modelhub.archive.solvers.depth import shorten
from modelhub.archive.solvers.growth import grow
from modelhub.archive.solvers.light_trees import light_tree
from modelhub.archive.solvers.refinement import refine_smallest
from modelhub.archive.solvers.shortest_paths import shortest_paths
from modelhub.archive.working_plan import WorkingPlan

ENOUGH = 1_000_000


def _paper() -> Problem:
    return pose(paper_graph(), "independent", None)


def _measured(chosen: list[int]) -> StoragePlan:
    plan = measure(paper_graph(), chosen, "independent")
    assert plan is not None
    return plan


def test_the_extremes_of_the_paper_graph() -> None:
    assert _measured(smallest(_paper())).storage == 19
    assert _measured(smallest(_paper())).group_costs == (3, 7.5)
    assert _measured(shortest_paths(_paper())).storage == 28


def test_pas_mt_finds_the_optimum_of_the_paper_graph() -> None:
    chosen, ended = refine_smallest(_paper(), minimum_arborescence(_paper()), ENOUGH)
    assert ended
    assert _measured(chosen).storage == 24
    assert _measured(chosen).group_costs == (3, 6)


def test_pas_pt_and_last_stay_above_it() -> None:
    assert _measured(grow(_paper(), ENOUGH)[0]).storage == 27
    tree = light_tree(_paper(), minimum_arborescence(_paper()), shortest_paths(_paper()), 1.25)
    assert _measured(tree).storage == 28


def test_a_solver_stopped_by_its_steps_says_so() -> None:
    _, ended = refine_smallest(_paper(), minimum_arborescence(_paper()), 0)
    assert not ended


@given(small_graphs(doubles=False))
def test_the_arborescence_is_the_least_there_is(graph: StorageGraph) -> None:
    plan = measure(graph, minimum_arborescence(pose(graph, "independent", None)), "independent")
    assert plan is not None
    assert plan.storage == pytest.approx(min(other.storage for other in plans(graph, "independent")))


@given(small_graphs(doubles=False))
def test_no_plan_decodes_a_tensor_faster_than_the_shortest_paths(graph: StorageGraph) -> None:
    plan = measure(graph, shortest_paths(pose(graph, "independent", None)), "independent")
    assert plan is not None
    fastest = [math.inf] * graph.vertices
    for other in plans(graph, "independent"):
        fastest = [min(pair) for pair in zip(fastest, other.recreation, strict=True)]
    assert plan.recreation == pytest.approx(fastest)


@given(small_graphs(vertices=7))
def test_second_references_never_make_the_smallest_plan_larger(graph: StorageGraph) -> None:
    problem = pose(graph, "independent", None)
    with_doubles = measure(graph, smallest(problem), "independent")
    without = measure(graph, minimum_arborescence(problem), "independent")
    assert with_doubles is not None
    assert without is not None
    assert with_doubles.storage <= without.storage + 1e-9


@given(small_graphs(vertices=7))
def test_last_keeps_its_stretch(graph: StorageGraph) -> None:
    problem = pose(graph, "independent", None)
    fastest = shortest_paths(problem)
    least = measure(graph, fastest, "independent")
    plan = measure(graph, light_tree(problem, minimum_arborescence(problem), fastest, 1.5), "independent")
    assert plan is not None
    assert least is not None
    for cost, shortest in zip(plan.recreation, least.recreation, strict=True):
        assert cost <= 1.5 * shortest + 1e-9


@given(small_graphs(vertices=7))
def test_shortened_chains_are_no_longer_than_allowed(graph: StorageGraph) -> None:
    for most in (0, 1, 2):
        problem = pose(graph, "independent", most)
        plan = WorkingPlan(problem, smallest(problem))
        shorten(plan)
        measured = measure(graph, plan.chosen, "independent")
        assert measured is not None
        assert max(measured.depths) <= most
