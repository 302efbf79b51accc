"""PAS-MT: starts at the smallest plan and swaps edges, best ratio first, until every group is within its budget."""

from __future__ import annotations

import heapq
import math

from modelhub.archive.measurement import allowed
from modelhub.archive.problem import Problem
from modelhub.archive.solvers.depth import shorten
from modelhub.archive.working_plan import WorkingPlan


def refine_smallest(problem: Problem, light: list[int], steps: int) -> tuple[list[int], bool]:
    """Return PAS-MT's plan (Miao, Li, Davis, Deshpande, ICDE 2017), within its budgets or stuck, and whether it ended.

    `light` is a least-storage tree; like the published algorithm, this one knows no second references. At most `steps`
    scores are computed; one costs the number of vertices that rest on the edge's target.
    """
    plan = WorkingPlan(problem, light)
    shorten(plan)
    ended = refine(plan, steps)
    return plan.chosen, ended


def refine(plan: WorkingPlan, steps: int) -> bool:
    """Swap edges until nothing is violated, or no single swap helps. Return False where `steps` did not suffice."""
    return _Refinement(plan).run(steps)


class _Refinement:
    """The queue of possible swaps.

    What a swap makes better is scored anew at once, what it makes worse when it comes to the head of the queue: so the
    head is always the best.
    """

    def __init__(self, plan: WorkingPlan) -> None:
        self.plan = plan
        self.problem = plan.problem
        self.scored = 0
        self.queue: list[tuple[float, float, int]] = []
        self.members = _members(plan.problem)
        self.maxima: dict[int, float] = {}
        self.groups_of: list[list[int]] = [[] for _ in range(plan.problem.graph.vertices)]
        for group, members in enumerate(self.members):
            for member in members:
                self.groups_of[member].append(group)

    def run(self, steps: int) -> bool:
        """Take the best swap as long as there is one and a limit is violated."""
        self._push(self._edges_of_violated())
        while self.plan.violated:
            if self.scored > steps:
                return False
            if not self.queue:
                return True
            key = heapq.heappop(self.queue)
            score = self._score(key[2])
            if score is None:
                continue
            if (*score, key[2]) > key:
                heapq.heappush(self.queue, (*score, key[2]))
                continue
            self._swap(key[2])
        return True

    def _swap(self, edge: int) -> None:
        plan, problem = self.plan, self.problem
        vertex = problem.target[edge]
        below = plan.below(vertex)
        plan.move(edge, below)
        for moved in below:
            for group in self.groups_of[moved]:
                self.maxima.pop(group, None)
        edges = dict.fromkeys(item for touched in plan.rests_on([vertex]) for item in problem.into[touched])
        edges.update(dict.fromkeys(item for moved in below for item in problem.out_of[moved]))
        if problem.scheme == "parallel":
            edges.update(dict.fromkeys(self._edges_of_dearest(below)))
        self._push(list(edges))

    def _push(self, edges: list[int]) -> None:
        for edge in edges:
            if (score := self._score(edge)) is not None:
                heapq.heappush(self.queue, (*score, edge))

    def _score(self, edge: int) -> tuple[float, float] | None:
        """Return minus the gain for each unit of extra storage, and minus the gain; None where nothing is gained."""
        plan, problem = self.plan, self.problem
        vertex = problem.target[edge]
        if plan.chosen[vertex] == edge or len(problem.sources[edge]) > 1:
            return None
        self.scored += 1
        below = plan.below(vertex)
        gain = self._gain_of_sums(edge, below) if problem.scheme == "independent" else self._gain_of_maxima(edge, below)
        if gain <= 1e-12:
            return None
        extra = problem.storage[edge] - problem.storage[plan.chosen[vertex]]
        return (-math.inf if extra <= 0 else -gain / extra), -gain

    def _gain_of_sums(self, edge: int, below: list[int]) -> float:
        changes = self.plan.changes(edge, below)
        if changes is None:
            return 0.0
        return -sum(change for limit, change in changes.items() if limit in self.plan.violated)

    def _gain_of_maxima(self, edge: int, below: list[int]) -> float:
        """Return by how much the maxima of violated groups fall. With this scheme each limit counts one vertex."""
        changes = self.plan.changes(edge, below)
        if changes is None:
            return 0.0
        recreation, counted = self.plan.recreation, self.problem.counted
        moved = {counted[limit][0]: change for limit, change in changes.items() if change < 0}
        gain = 0.0
        for group in dict.fromkeys(group for vertex in moved for group in self._peaks(vertex)):
            after = max(recreation[member] + moved.get(member, 0.0) for member in self.members[group])
            gain += self._maximum(group) - after
        return gain

    def _peaks(self, vertex: int) -> list[int]:
        """Return the groups over their budget of which a vertex is the dearest: only there it lowers a maximum."""
        cost = self.plan.recreation[vertex]
        budgets = self.problem.budgets
        groups = self.groups_of[vertex]
        return [group for group in groups if cost > allowed(budgets[group]) and cost >= self._maximum(group)]

    def _maximum(self, group: int) -> float:
        if group not in self.maxima:
            self.maxima[group] = max(self.plan.recreation[member] for member in self.members[group])
        return self.maxima[group]

    def _edges_of_violated(self) -> list[int]:
        plan = self.plan
        members = [member for limit in sorted(plan.violated) for member in self.problem.counted[limit]]
        return [edge for vertex in plan.rests_on(members) for edge in self.problem.into[vertex]]

    def _edges_of_dearest(self, moved: list[int]) -> list[int]:
        """Return the edges that could now lower the maximum of a group that has a moved vertex."""
        plan = self.plan
        groups = dict.fromkeys(group for vertex in moved for group in self.groups_of[vertex])
        dearest = [max(self.members[group], key=plan.recreation.__getitem__) for group in groups]
        return [edge for vertex in plan.rests_on(dearest) for edge in self.problem.into[vertex]]


def _members(problem: Problem) -> list[tuple[int, ...]]:
    return [tuple(sorted(set(group.members))) for group in problem.graph.groups]
