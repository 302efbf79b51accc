"""PAS-PT: grows a plan by the cheapest edge at each step, as long as no group's estimate leaves its budget."""

from __future__ import annotations

import heapq

from modelhub.archive.problem import Problem
from modelhub.archive.solvers.refinement import refine
from modelhub.archive.working_plan import WorkingPlan


def grow(problem: Problem, steps: int) -> tuple[list[int], bool]:
    """Return PAS-PT's plan (Miao, Li, Davis, Deshpande, ICDE 2017), and whether it ended.

    Vertices outside the grown tree are estimated as materialised, and that is what the working plan says of them: its
    costs are the algorithm's estimates, and its room the test that rejects an edge. What never got in stays so, and
    groups still over their budget are mended by swaps, for which at most `steps` scores are computed. Second
    references are left out, as published.
    """
    growth = _Growth(problem)
    growth.run()
    ended = refine(growth.plan, steps)
    return growth.plan.chosen, ended


class _Growth:
    """The tree grown so far, and the edges out of it by what they store."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.plan = WorkingPlan(problem, problem.whole)
        self.inside = [False] * problem.graph.vertices
        self.queue: list[tuple[float, float, int]] = []

    def run(self) -> None:
        """Take edges until none is left."""
        for edge, sources in enumerate(self.problem.sources):
            if not sources:
                self._offer(edge)
        while self.queue:
            edge = heapq.heappop(self.queue)[2]
            vertex = self.problem.target[edge]
            if not self.inside[vertex] and self._fits(edge, [vertex]):
                self.plan.move(edge, [vertex])
                self._take_in(vertex)

    def _take_in(self, vertex: int) -> None:
        self.inside[vertex] = True
        for edge in self.problem.out_of[vertex]:
            if len(self.problem.sources[edge]) > 1:
                continue
            if not self.inside[self.problem.target[edge]]:
                self._offer(edge)
            else:
                self._adopt(edge)

    def _adopt(self, edge: int) -> None:
        """Let a vertex of the tree rest on the new one, where that stores less and decodes no slower."""
        plan = self.plan
        vertex = self.problem.target[edge]
        if self.problem.storage[edge] < self.problem.storage[plan.chosen[vertex]]:
            below = plan.below(vertex)
            shift = plan.shift(edge, below)
            if shift is not None and shift <= 0:
                plan.move(edge, below)

    def _fits(self, edge: int, below: list[int]) -> bool:
        shift = self.plan.shift(edge, below)
        return shift is not None and (shift <= 0 or shift <= self.plan.room(below))

    def _offer(self, edge: int) -> None:
        heapq.heappush(self.queue, (self.problem.storage[edge], self.problem.recreation[edge], edge))
