from __future__ import annotations

import math

import pytest

from modelhub.archive.graph import Edge, Group, StorageGraph
from modelhub.errors import InvalidInputError

WHOLE = (Edge(0, (), 1, 1), Edge(1, (), 1, 1), Edge(2, (), 1, 1))


def test_a_tensor_that_cannot_be_kept_whole_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="tensor 1 has no way to be kept whole") as caught:
        StorageGraph(2, (Edge(0, (), 1, 1), Edge(1, (0,), 1, 1)))
    assert caught.value.hint


@pytest.mark.parametrize(
    "edge",
    [
        Edge(3, (), 1, 1),
        Edge(-1, (), 1, 1),
        Edge(0, (7,), 1, 1),
        Edge(0, (0,), 1, 1),
        Edge(0, (1, 1), 1, 1),
        Edge(0, (1, 2, 0), 1, 1),
        Edge(0, (1,), -1, 1),
        Edge(0, (1,), math.nan, 1),
        Edge(0, (1,), 1, math.inf),
    ],
)
def test_an_impossible_edge_is_refused(edge: Edge) -> None:
    with pytest.raises(InvalidInputError, match="edge 3"):
        StorageGraph(3, (*WHOLE, edge))


@pytest.mark.parametrize("group", [Group((3,), 1), Group((-1,), 1), Group((0,), -1), Group((0,), math.nan)])
def test_an_impossible_group_is_refused(group: Group) -> None:
    with pytest.raises(InvalidInputError, match="group 0"):
        StorageGraph(3, WHOLE, (group,))


def test_a_graph_of_nothing_is_a_graph() -> None:
    assert StorageGraph(0, ()).vertices == 0
