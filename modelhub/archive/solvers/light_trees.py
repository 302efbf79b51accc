"""LAST: a tree both light and shallow, which bounds each tensor and knows nothing of groups."""

from __future__ import annotations

import math

from modelhub.archive.problem import Problem

STRETCHES = (1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
"""The bounds that are tried: which of them keeps the groups within their budgets is only known afterwards."""


def light_tree(problem: Problem, light: list[int], shortest: list[int], stretch: float) -> list[int]:
    """Return a tree without a path over `stretch` times the shortest one (Khuller, Raghavachari, Young 1995).

    `light` and `shortest` are the edges of a least-storage and of a shortest-path tree, without second references.
    """
    walk = _Walk(problem, light, shortest, stretch)
    walk.run()
    return walk.chosen


class _Walk:
    """One walk, depth first, over the light tree, that cuts in a shortest path where the way so far is too long."""

    def __init__(self, problem: Problem, light: list[int], shortest: list[int], stretch: float) -> None:
        self.problem = problem
        self.light = light
        self.shortest = shortest
        self.stretch = stretch
        self.chosen = list(self.light)
        self.cost = [math.inf] * len(light)
        self.least = self._path_costs(shortest)
        self.children: list[list[int]] = [[] for _ in light]
        for vertex, edge in enumerate(self.light):
            for source in problem.sources[edge]:
                self.children[source].append(vertex)

    def run(self) -> None:
        """Walk from every vertex that the light tree materialises."""
        stack = [(v, False) for v, edge in enumerate(self.light) if not self.problem.sources[edge]][::-1]
        while stack:
            vertex, left = stack.pop()
            if left:
                self._relax_backwards(vertex)
                continue
            self._relax(self.light[vertex])
            if self.cost[vertex] > self.stretch * self.least[vertex]:
                self._cut_in(vertex)
            stack.append((vertex, True))
            stack.extend((child, False) for child in reversed(self.children[vertex]))

    def _relax(self, edge: int) -> None:
        vertex = self.problem.target[edge]
        cost = self.problem.recreation[edge] + sum(self.cost[source] for source in self.problem.sources[edge])
        if cost < self.cost[vertex]:
            self.cost[vertex] = cost
            self.chosen[vertex] = edge

    def _relax_backwards(self, vertex: int) -> None:
        """Offer a vertex to the one before it, where the delta is there in this direction too."""
        for source in self.problem.sources[self.light[vertex]]:
            for edge in self.problem.into[source]:
                if self.problem.sources[edge] == (vertex,):
                    self._relax(edge)
                    break

    def _cut_in(self, vertex: int) -> None:
        path = [self.shortest[vertex]]
        while sources := self.problem.sources[path[-1]]:
            path.append(self.shortest[sources[0]])
        for edge in reversed(path):
            self._relax(edge)

    def _path_costs(self, tree: list[int]) -> list[float]:
        costs = [-1.0] * len(tree)
        for vertex in range(len(tree)):
            path = []
            while costs[vertex] < 0:
                path.append(vertex)
                sources = self.problem.sources[tree[vertex]]
                if not sources:
                    break
                vertex = sources[0]
            for item in reversed(path):
                edge = tree[item]
                costs[item] = self.problem.recreation[edge] + sum(costs[s] for s in self.problem.sources[edge])
        return costs
