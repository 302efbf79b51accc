from __future__ import annotations

from modelhub.archive.graph import Edge, Group, StorageGraph
from modelhub.archive.measurement import fault, measure

DIAMOND = StorageGraph(
    4,
    (
        Edge(0, (), 10, 5),
        Edge(1, (), 10, 5),
        Edge(2, (), 10, 5),
        Edge(3, (), 10, 5),
        Edge(1, (0,), 1, 2),
        Edge(2, (0,), 1, 3),
        Edge(3, (1, 2), 1, 1),
        Edge(0, (3,), 1, 1),
        Edge(2, (0, 1), 1, 7),
    ),
    (Group((1, 2, 3, 3), 100),),
)


def test_what_two_references_share_is_decoded_once() -> None:
    plan = measure(DIAMOND, (0, 4, 5, 6), "independent")
    assert plan is not None
    assert plan.recreation == (5, 7, 8, 5 + 2 + 3 + 1)
    assert plan.depths == (0, 1, 1, 2)
    assert plan.storage == 13


def test_a_second_reference_on_the_chain_already_costs_nothing_more() -> None:
    plan = measure(DIAMOND, (0, 4, 8, 3), "independent")
    assert plan is not None
    assert plan.recreation[2] == 5 + 2 + 7


def test_a_group_costs_the_sum_or_the_dearest_of_its_members_each_once() -> None:
    independent = measure(DIAMOND, (0, 4, 5, 6), "independent")
    parallel = measure(DIAMOND, (0, 4, 5, 6), "parallel")
    assert independent is not None
    assert parallel is not None
    assert independent.group_costs == (26,)
    assert parallel.group_costs == (11,)


def test_a_circle_through_a_second_reference_is_no_plan() -> None:
    assert measure(DIAMOND, (7, 1, 5, 6), "independent") is None


def test_a_plan_needs_an_edge_of_its_own_for_each_tensor() -> None:
    assert measure(DIAMOND, (0, 4, 5), "independent") is None
    assert measure(DIAMOND, (0, 4, 5, 5), "independent") is None
    assert measure(DIAMOND, (0, 4, 5, 99), "independent") is None
    assert measure(DIAMOND, (0, 4, 5, -3), "independent") is None


def test_a_fault_names_what_is_wrong() -> None:
    plan = measure(DIAMOND, (0, 4, 5, 6), "independent")
    assert fault(plan, [26], 2) is None
    assert fault(plan, [26], 1) == "depth 2 is over 1"
    assert fault(plan, [13], None) == "1 of 1 groups over budget, group 0 with 26 of 13"
    assert fault(None, [], None) == "goes in circles or leaves a tensor out"
