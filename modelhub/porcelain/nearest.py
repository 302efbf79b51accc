"""Find stored tensors that look like a new one, by their sketches: bases for files that have no parent."""

from __future__ import annotations

import contextlib
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

Sketched = list[tuple[str, bytes]]


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
        near = sorted(zip(distances(sketch, [other for _, other in known]), range(len(known)), strict=True))
        return [known[position][0] for distance, position in near[:CANDIDATES] if distance < FAR]

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
            self._stored[key] = sketches(self._connection, dtype, elements)
        return self._stored[key]
