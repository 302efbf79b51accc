"""Vertices still to be looked at, each once at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from modelhub.archive.problem import Problem


class Worklist:
    """First in, first out; what is waiting already is not put in again. Iterating takes vertices until none waits."""

    def __init__(self, problem: Problem, vertices: Iterable[int]) -> None:
        self._problem = problem
        self._waiting = deque(vertices)
        self._queued = set(self._waiting)

    def __iter__(self) -> Iterator[int]:
        while self._waiting:
            vertex = self._waiting.popleft()
            self._queued.discard(vertex)
            yield vertex

    def add(self, vertices: Iterable[int]) -> None:
        """Look at these, too."""
        for vertex in vertices:
            if vertex not in self._queued:
                self._queued.add(vertex)
                self._waiting.append(vertex)

    def resting_on(self, vertices: Iterable[int]) -> Iterator[int]:
        """Yield what could rest on each of these."""
        problem = self._problem
        return (problem.target[edge] for vertex in vertices for edge in problem.out_of[vertex])
