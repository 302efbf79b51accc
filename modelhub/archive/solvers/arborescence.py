"""The smallest plan, whatever decoding costs: a minimum arborescence, then second references where they save."""

from __future__ import annotations

import heapq

from modelhub.archive.problem import Problem
from modelhub.archive.working_plan import WorkingPlan


def smallest(problem: Problem) -> list[int]:
    """Return the edges of a least-storage plan: exact for graphs without second references, else improved greedily.

    No bound on depth or recreation is heeded. Cost: O(E log^2 E).
    """
    plan = WorkingPlan(problem, minimum_arborescence(problem))
    doubles = [edge for edge, sources in enumerate(problem.sources) if len(sources) == 2]
    for edge in sorted(
        doubles, key=lambda item: problem.storage[item] - problem.storage[plan.chosen[problem.target[item]]]
    ):
        vertex = problem.target[edge]
        if problem.storage[edge] < problem.storage[plan.chosen[vertex]]:
            below = set(plan.below(vertex))
            if not below.intersection(problem.sources[edge]):
                plan.move(edge)
    return plan.chosen


def minimum_arborescence(problem: Problem) -> list[int]:
    """Return the minimum arborescence over edges with one source or none (Edmonds 1967, Tarjan 1977)."""
    contraction = _Contraction(problem)
    for vertex in range(problem.graph.vertices):
        contraction.grow_from(vertex)
    return contraction.expanded()


class _Contraction:
    """Vertices, and above them the numbers of the circles they were contracted into.

    `queues` hold the edges into each, cheapest first; `lowered` is what has been taken off all of them since.
    """

    def __init__(self, problem: Problem) -> None:
        count = problem.graph.vertices
        self.problem = problem
        self.queues = [self._entries(vertex) for vertex in range(count)]
        self.lowered = [0.0] * count
        self.leader = list(range(count))
        self.parent = [-1] * count
        self.entering = [-1] * count
        self.settled = [False] * count

    def grow_from(self, start: int) -> None:
        """Follow the cheapest edges backwards to something settled or to nothing, contracting circles on the way."""
        path: dict[int, None] = {}
        vertex = self._find(start)
        while vertex >= 0 and not self.settled[vertex]:
            if vertex in path:
                ring: list[int] = []
                while not ring or ring[-1] != vertex:
                    ring.append(path.popitem()[0])
                vertex = self._contract(ring)
            edge = self._take_cheapest(vertex)
            self.entering[vertex] = edge
            path[vertex] = None
            sources = self.problem.sources[edge]
            vertex = self._find(sources[0]) if sources else -1
        for item in path:
            self.settled[item] = True

    def expanded(self) -> list[int]:
        """Return the edge into each vertex: the edge into a circle takes the place of the one it meets there."""
        for circle in reversed(range(self.problem.graph.vertices, len(self.leader))):
            edge = self.entering[circle]
            met = self.problem.target[edge]
            while self.parent[met] != circle:
                met = self.parent[met]
            self.entering[met] = edge
        return self.entering[: self.problem.graph.vertices]

    def _entries(self, vertex: int) -> list[tuple[float, float, int]]:
        problem = self.problem
        edges = (edge for edge in problem.into[vertex] if len(problem.sources[edge]) < 2)
        return sorted((problem.storage[edge], problem.recreation[edge], edge) for edge in edges)

    def _find(self, vertex: int) -> int:
        leader = self.leader
        while leader[vertex] != vertex:
            leader[vertex] = leader[leader[vertex]]
            vertex = leader[vertex]
        return vertex

    def _take_cheapest(self, vertex: int) -> int:
        queue = self.queues[vertex]
        while True:
            cost, _, edge = heapq.heappop(queue)
            sources = self.problem.sources[edge]
            if not sources or self._find(sources[0]) != vertex:
                self.lowered[vertex] = cost
                return edge

    def _contract(self, ring: list[int]) -> int:
        circle = len(self.leader)
        largest = max(ring, key=lambda item: len(self.queues[item]))
        queue = self.queues[largest]
        for item in ring:
            self.leader[item] = circle
            self.parent[item] = circle
            if item != largest:
                higher = self.lowered[largest] - self.lowered[item]
                for cost, recreation, edge in self.queues[item]:
                    heapq.heappush(queue, (cost + higher, recreation, edge))
                self.queues[item] = []
        self.leader.append(circle)
        self.parent.append(-1)
        self.queues.append(queue)
        self.lowered.append(self.lowered[largest])
        self.entering.append(-1)
        self.settled.append(False)
        return circle
