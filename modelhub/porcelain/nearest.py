"""Find stored tensors that look like a new one, by their sketches: bases for files that have no parent."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING

from modelhub.catalog.opening import open_current
from modelhub.catalog.rows import sketches
from modelhub.formats.extent import TensorExtent
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import TensorFact, elements_of

if TYPE_CHECKING:
    from modelhub.catalog.opening import Connection

FAR = 0.5
"""Sketches further apart than this (relative) belong to unrelated tensors: no delta is tried."""

CANDIDATES = 3
LEAST_NBYTES = 4096

MOST_KNOWN = 4096
"""Of a dtype and size only so many tensors, the newest, are compared: the cost of each find stays bounded."""

Sketched = deque[tuple[str, bytes]]


class NearestTensors:
    """Answers from the catalog, read once for each dtype and size, and from what the same recording stored before."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._stack = contextlib.ExitStack()
        self._connection: Connection | None = None
        self._stored: dict[tuple[str, int], Sketched] = {}

    def find(self, extent: TensorExtent, sketch: bytes) -> list[str]:
        """Return the stored tensors of equal dtype and size that are near, nearest first."""
        from modelhub.weights.sketch import distances

        if extent.nbytes < LEAST_NBYTES:
            return []
        known = self._known(extent.dtype, elements_of(extent.dtype, extent.nbytes))
        found = distances(sketch, [other for _, other in known])
        near = sorted((distance, -position) for position, distance in enumerate(found) if distance < FAR)
        return [known[-negated][0] for _, negated in near[:CANDIDATES]]

    def learn(self, fact: TensorFact) -> None:
        """Take in a tensor that was just stored."""
        if fact.nbytes >= LEAST_NBYTES:
            self._known(fact.dtype, fact.elements).append((fact.oid, fact.sketch))

    def close(self) -> None:
        """Let go of the catalog."""
        self._stack.close()
        self._connection = None

    def _known(self, dtype: str, elements: int) -> Sketched:
        key = (dtype, elements)
        if key not in self._stored:
            if self._connection is None:
                self._connection = self._stack.enter_context(open_current(self._repository))
            newest_first = sketches(self._connection, dtype, elements, MOST_KNOWN)
            self._stored[key] = deque(reversed(newest_first), MOST_KNOWN)
        return self._stored[key]
