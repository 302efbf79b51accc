"""A plan that is being changed: what each change would cost is known without measuring the whole plan again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelhub.archive.problem import Problem


class WorkingPlan:
    """A complete plan without circles; `move` changes the edge of one vertex and keeps every figure up to date.

    A change costs the number of vertices that rest on the vertex changed. Below one with a second reference, what it
    rests on is walked again. `violated` are the limits over their bound, `journal` the edges that moves gave up.
    """

    __slots__ = (
        "_slack",
        "children",
        "chosen",
        "costs",
        "depth",
        "doubles",
        "journal",
        "problem",
        "recreation",
        "storage",
        "violated",
    )

    def __init__(self, problem: Problem, chosen: Sequence[int]) -> None:
        self.problem = problem
        self.journal: list[int] = []
        self.chosen = list(chosen)
        self.children: list[set[int]] = [set() for _ in self.chosen]
        self.storage = sum(problem.storage[edge] for edge in self.chosen)
        self.doubles = sum(len(problem.sources[edge]) == 2 for edge in self.chosen)
        for vertex, edge in enumerate(self.chosen):
            for source in problem.sources[edge]:
                self.children[source].add(vertex)
        self.recreation = [0.0] * len(self.chosen)
        self.depth = [0] * len(self.chosen)
        self._renew(self._in_order(v for v, edge in enumerate(self.chosen) if not problem.sources[edge]))
        self._slack = [bound * 1e-10 + 1e-10 for bound in problem.bounds]
        self.costs = [sum(self.recreation[member] for member in members) for members in problem.counted]
        self.violated = {limit for limit in range(len(self.costs)) if self._is_over(limit)}

    def below(self, vertex: int) -> list[int]:
        """Return a vertex and all that rest on it, each after what it rests on."""
        if self.doubles:
            return self._in_order((vertex,))
        found = [vertex]
        for item in found:
            if self.children[item]:
                found.extend(self.children[item])
        return found

    def rests_on(self, vertices: Iterable[int]) -> list[int]:
        """Return some vertices and all that they rest on."""
        found = dict.fromkeys(vertices)
        stack = list(found)
        while stack:
            for source in self.problem.sources[self.chosen[stack.pop()]]:
                if source not in found:
                    found[source] = None
                    stack.append(source)
        return list(found)

    def is_mixed(self, below: list[int]) -> bool:
        """Tell whether what rests on a vertex has second references, so that it does not all shift by one amount."""
        return self.doubles > 0 and any(len(self.problem.sources[self.chosen[item]]) == 2 for item in below[1:])

    def shift(self, edge: int, below: list[int]) -> float | None:
        """Return by how much the recreation of `below[0]` changes with another edge; None where that is not allowed.

        Not allowed is a circle, and a chain that becomes longer than the problem lets it.
        """
        problem = self.problem
        vertex = below[0]
        sources = problem.sources[edge]
        if not sources:
            return problem.recreation[edge] - self.recreation[vertex]
        first, second = sources[0], sources[-1]
        if first in below or second in below:
            return None
        depth = 1 + max(self.depth[first], self.depth[second])
        if depth + len(below) > problem.max_depth and self._height(below) + depth > problem.max_depth:
            return None
        if first == second:
            return self.recreation[first] + problem.recreation[edge] - self.recreation[vertex]
        return problem.recreation[edge] + self._sum(self.rests_on(sources)) - self.recreation[vertex]

    def room(self, below: list[int]) -> float:
        """Return by how much all these vertices could shift before a limit that is kept now would be exceeded."""
        limits_of, bounds = self.problem.limits_of, self.problem.bounds
        counts: dict[int, int] = {}
        for vertex in below:
            for limit in limits_of[vertex]:
                counts[limit] = counts.get(limit, 0) + 1
        return min(
            ((bounds[limit] + self._slack[limit] - self.costs[limit]) / count for limit, count in counts.items()),
            default=float("inf"),
        )

    def changes(self, edge: int, below: list[int]) -> dict[int, float] | None:
        """Return by how much each limit's cost changes with another edge for `below[0]`; None where not allowed."""
        shift = self.shift(edge, below)
        if shift is None:
            return None
        result: dict[int, float] = {}
        if not self.is_mixed(below):
            for vertex in below:
                for limit in self.problem.limits_of[vertex]:
                    result[limit] = result.get(limit, 0.0) + shift
            return result
        touched = {limit for vertex in below for limit in self.problem.limits_of[vertex]}
        before = {limit: self.costs[limit] for limit in touched}
        old = self.chosen[below[0]]
        self.move(edge, below)
        for limit in touched:
            result[limit] = self.costs[limit] - before[limit]
        self.move(old, below)
        return result

    def exceeds(self, changes: dict[int, float]) -> bool:
        """Tell whether changes would take a limit over its bound, or one that is over further away."""
        return any(
            change > 0 and self.costs[limit] + change > self.problem.bounds[limit] + self._slack[limit]
            for limit, change in changes.items()
        )

    def move(self, edge: int, below: list[int] | None = None) -> None:
        """Keep a vertex by another edge. The caller has made sure with `shift` that this is allowed."""
        problem = self.problem
        vertex = problem.target[edge]
        if below is None:
            below = self.below(vertex)
        old = self.chosen[vertex]
        self.journal.append(old)
        for source in problem.sources[old]:
            self.children[source].discard(vertex)
        for source in problem.sources[edge]:
            self.children[source].add(vertex)
        self.chosen[vertex] = edge
        self.storage += problem.storage[edge] - problem.storage[old]
        self.doubles += (len(problem.sources[edge]) == 2) - (len(problem.sources[old]) == 2)
        before = [self.recreation[item] for item in below]
        self._renew(below)
        touched = set()
        for item, value in zip(below, before, strict=True):
            change = self.recreation[item] - value
            for limit in problem.limits_of[item]:
                self.costs[limit] += change
                touched.add(limit)
        for limit in touched:
            if self._is_over(limit):
                self.violated.add(limit)
            else:
                self.violated.discard(limit)

    def go_back(self, length: int) -> None:
        """Take back the moves after the first `length` of the journal."""
        while len(self.journal) > length:
            self.move(self.journal.pop())
            self.journal.pop()

    def is_deep(self) -> bool:
        """Tell whether a chain is longer than the problem lets it."""
        return max(self.depth, default=0) > self.problem.max_depth

    def _height(self, below: list[int]) -> int:
        return max(self.depth[item] for item in below) - self.depth[below[0]]

    def _is_over(self, limit: int) -> bool:
        return self.costs[limit] > self.problem.bounds[limit] + self._slack[limit]

    def _sum(self, vertices: list[int]) -> float:
        recreation, chosen = self.problem.recreation, self.chosen
        return sum(recreation[chosen[vertex]] for vertex in vertices)

    def _renew(self, vertices: list[int]) -> None:
        """Compute recreation and depth again, of vertices in an order in which each comes after what it rests on."""
        problem, chosen, recreation, depth = self.problem, self.chosen, self.recreation, self.depth
        for vertex in vertices:
            edge = chosen[vertex]
            sources = problem.sources[edge]
            if not sources:
                recreation[vertex], depth[vertex] = problem.recreation[edge], 0
            elif len(sources) == 1:
                recreation[vertex] = recreation[sources[0]] + problem.recreation[edge]
                depth[vertex] = depth[sources[0]] + 1
            else:
                recreation[vertex] = problem.recreation[edge] + self._sum(self.rests_on(sources))
                depth[vertex] = 1 + max(depth[source] for source in sources)

    def _in_order(self, starts: Iterable[int]) -> list[int]:
        """Return some vertices and all above them, each after what it rests on: depth first, backwards."""
        finished: list[int] = []
        seen = set()
        stack = [(start, False) for start in starts]
        while stack:
            vertex, left = stack.pop()
            if left:
                finished.append(vertex)
            elif vertex not in seen:
                seen.add(vertex)
                stack.append((vertex, True))
                stack.extend((child, False) for child in self.children[vertex] if child not in seen)
        return finished[::-1]
