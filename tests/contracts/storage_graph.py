"""Storage graphs to test with: the paper's own, and any small ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from hypothesis import strategies as st

from modelhub.archive.graph import Edge, Group, Scheme, StorageGraph
from modelhub.archive.measurement import StoragePlan, fault, measure


def paper_graph() -> StorageGraph:
    """Fig. 5 of Miao, Li, Davis, Deshpande (ICDE 2017): m1 to m5 are 0 to 4."""
    whole = [Edge(0, (), 2, 1), Edge(1, (), 8, 2), Edge(2, (), 2, 1), Edge(3, (), 8, 2), Edge(4, (), 8, 2)]
    deltas = [(0, 2, 1, 0.5), (1, 3, 4, 1), (1, 4, 4, 1), (3, 4, 4, 1)]
    both_ways = [
        edge for one, other, *cost in deltas for edge in (Edge(other, (one,), *cost), Edge(one, (other,), *cost))
    ]
    return StorageGraph(5, (*whole, *both_ways), (Group((0, 1), 3), Group((2, 3, 4), 6)))


def plans(graph: StorageGraph, scheme: Scheme) -> Iterator[StoragePlan]:
    """Yield every plan there is."""
    ways = [[number for number, edge in enumerate(graph.edges) if edge.target == v] for v in range(graph.vertices)]
    for chosen in itertools.product(*ways):
        if (plan := measure(graph, chosen, scheme)) is not None:
            yield plan


def least_storage(graph: StorageGraph, scheme: Scheme, budgets: list[float], max_depth: int | None) -> float:
    """Return the optimum by looking at every plan; inf where none is allowed."""
    storages = (plan.storage for plan in plans(graph, scheme) if fault(plan, budgets, max_depth) is None)
    return min(storages, default=math.inf)


@st.composite
def small_graphs(draw: st.DrawFn, *, vertices: int = 5, doubles: bool = True) -> StorageGraph:
    """Graphs of a few tensors with free edges, parallel edges, second references, and groups that overlap."""
    count = draw(st.integers(1, vertices))
    cost = st.one_of(st.just(0.0), st.integers(1, 12).map(float), st.floats(0.1, 9.0))
    edges = [Edge(vertex, (), draw(cost), draw(cost)) for vertex in range(count)]
    for target in range(count):
        others = [vertex for vertex in range(count) if vertex != target]
        for _ in range(draw(st.integers(0, 3))) if others else ():
            most = 2 if doubles and len(others) > 1 else 1
            sources = draw(st.lists(st.sampled_from(others), min_size=1, max_size=most, unique=True))
            edges.append(Edge(target, tuple(sources), draw(cost), draw(cost)))
    members = st.lists(st.integers(0, count - 1), min_size=0, max_size=count, unique=True).map(tuple)
    budget = st.one_of(st.floats(0.0, 40.0), st.just(math.inf))
    groups = draw(st.lists(st.builds(Group, members, budget), max_size=3))
    return StorageGraph(count, tuple(draw(st.permutations(edges))), tuple(groups))
