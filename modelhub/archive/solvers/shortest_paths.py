"""The plan that is fastest to decode: shortest paths from nothing to each tensor."""

from __future__ import annotations

import heapq

from modelhub.archive.problem import Problem


def shortest_paths(problem: Problem) -> list[int]:
    """Return the edges of a tree of shortest recreation paths (Dijkstra 1959), less storage first where paths tie.

    Never longer chains than the problem lets. Second references are left out: they only add. Cost: O(E log E).
    """
    queue: list[tuple[float, float, int, int]] = []
    for ways in problem.into:
        for edge in ways:
            if not problem.sources[edge]:
                heapq.heappush(queue, (problem.recreation[edge], problem.storage[edge], 0, edge))
    chosen = [-1] * problem.graph.vertices
    while queue:
        cost, _, depth, edge = heapq.heappop(queue)
        vertex = problem.target[edge]
        if chosen[vertex] >= 0:
            continue
        chosen[vertex] = edge
        if depth >= problem.max_depth:
            continue
        for onward in problem.out_of[vertex]:
            if len(problem.sources[onward]) == 1 and chosen[problem.target[onward]] < 0:
                onward_cost = cost + problem.recreation[onward]
                heapq.heappush(queue, (onward_cost, problem.storage[onward], depth + 1, onward))
    return chosen
