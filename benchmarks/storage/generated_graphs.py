"""Storage graphs like the paper's RD: versions of a network with snapshots, and deltas between neighbours."""

from __future__ import annotations

import random
from dataclasses import replace

from modelhub.archive.graph import Edge, Group, StorageGraph
from modelhub.archive.measurement import measure
from modelhub.archive.problem import pose
from modelhub.archive.solvers.shortest_paths import shortest_paths

WHOLE = 0.84
"""What byte planes and zlib leave of float32 weights, as the paper has it (Fig. 6b)."""


def repository(
    versions: int, snapshots: int, layers: int, seed: int, *, skips: bool = False, doubles: bool = False
) -> StorageGraph:
    """Return a graph of versions x snapshots x layers tensors, one group a snapshot, without budgets.

    Deltas go both ways between neighbouring snapshots and between the last snapshots of a version and of the one it was
    fine-tuned from. Recreation is what must be read, as in the paper. `skips` adds deltas over two snapshots, `doubles`
    deltas with the snapshots on both sides as references.
    """
    dice = random.Random(seed)
    sizes = [dice.choice((1, 2, 4, 8, 16, 32)) * dice.uniform(0.7, 1.3) for _ in range(layers)]
    parent = [dice.randrange(version) if version else -1 for version in range(versions)]
    edges: list[Edge] = []

    def at(version: int, snapshot: int, layer: int) -> int:
        return (version * snapshots + snapshot) * layers + layer

    def both_ways(one: int, other: int, size: float) -> None:
        edges.append(Edge(one, (other,), size, size))
        edges.append(Edge(other, (one,), size, size))

    for version in range(versions):
        drift = dice.uniform(0.25, 0.9)
        for layer, size in enumerate(sizes):
            for snapshot in range(snapshots):
                here = at(version, snapshot, layer)
                whole = WHOLE * size * dice.uniform(0.97, 1.03)
                edges.append(Edge(here, (), whole, whole))
                delta = min(drift * dice.uniform(0.6, 1.2), 0.95) * whole
                if snapshot:
                    both_ways(here, at(version, snapshot - 1, layer), delta)
                if skips and snapshot > 1:
                    both_ways(here, at(version, snapshot - 2, layer), min(delta * dice.uniform(1.1, 1.5), whole))
                if doubles and 0 < snapshot < snapshots - 1:
                    around = (at(version, snapshot - 1, layer), at(version, snapshot + 1, layer))
                    edges.append(Edge(here, around, 0.6 * delta, 0.6 * delta))
            if version:
                tuned = min(dice.uniform(0.3, 0.95), 0.95) * WHOLE * size
                both_ways(at(version, snapshots - 1, layer), at(parent[version], snapshots - 1, layer), tuned)
    groups = tuple(
        Group(tuple(at(version, snapshot, layer) for layer in range(layers)), float("inf"))
        for version in range(versions)
        for snapshot in range(snapshots)
    )
    return StorageGraph(versions * snapshots * layers, tuple(edges), groups)


def budgeted(graph: StorageGraph, share: float, scheme: str) -> StorageGraph:
    """Return a graph in which each group may cost `share` times what shortest paths give it."""
    fastest = measure(graph, shortest_paths(pose(graph, scheme, None)), scheme)
    costs = zip(graph.groups, fastest.group_costs, strict=True)
    return replace(graph, groups=tuple(Group(group.members, share * cost) for group, cost in costs))
