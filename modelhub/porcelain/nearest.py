"""Find stored tensors that look like a new one, by their sketches: bases for files that have no parent."""

from __future__ import annotations

import contextlib
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

from modelhub.catalog.opening import open_current
from modelhub.catalog.rows import sketches
from modelhub.formats.extent import TensorExtent
from modelhub.porcelain.stored_casts import StoredCasts
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import LEAST_NBYTES, TensorFact, elements_of

if TYPE_CHECKING:
    from modelhub.catalog.opening import Connection
    from modelhub.weights.newest_sketches import NewestSketches

FAR = 0.5
"""Sketches further apart than this (relative) belong to unrelated tensors: no delta is tried."""

CANDIDATES = 3

MOST_KNOWN = 4096
"""Of a dtype and size only so many tensors, the newest, are compared: the cost of each find stays bounded."""


class NearestTensors:
    """Answers from the catalog, read once for each dtype and size, and from what the same recording stored before."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._stack = contextlib.ExitStack()
        self._connection: Connection | None = None
        self._stored: dict[tuple[str, int], NewestSketches] = {}
        self._learned: dict[tuple[str, int], deque[tuple[str, bytes]]] = {}
        self._casts = StoredCasts(self._oldest_first)

    def find(self, extent: TensorExtent, sketch: bytes) -> list[str]:
        """Return the stored tensors of equal dtype and size that are near, nearest first."""
        if extent.nbytes < LEAST_NBYTES:
            return []
        known = self._known(extent.dtype, elements_of(extent.dtype, extent.nbytes))
        return known.nearest(sketch, FAR, CANDIDATES)

    def casts(self, extent: TensorExtent, sketch: bytes) -> list[str]:
        """Return the stored tensor that this one is a cast of, as far as sketches tell: one or none."""
        if extent.nbytes < LEAST_NBYTES:
            return []
        return self._casts.find(extent.dtype, elements_of(extent.dtype, extent.nbytes), sketch)

    def learn(self, fact: TensorFact) -> None:
        """Take in a tensor that was just stored."""
        if fact.nbytes >= LEAST_NBYTES:
            self._casts.learn(fact)
        key = (fact.dtype, fact.elements)
        if key in self._stored:
            self._stored[key].add(fact.oid, fact.sketch)
        elif fact.nbytes >= LEAST_NBYTES:
            self._learned.setdefault(key, deque(maxlen=MOST_KNOWN)).append((fact.oid, fact.sketch))

    def close(self) -> None:
        """Let go of the catalog."""
        self._stack.close()
        self._connection = None

    def _known(self, dtype: str, elements: int) -> NewestSketches:
        from modelhub.weights.newest_sketches import NewestSketches

        key = (dtype, elements)
        if key not in self._stored:
            learned = self._learned.pop(key, ())
            new = {oid for oid, _ in learned}
            older = (item for item in self._oldest_first(dtype, elements) if item[0] not in new)
            self._stored[key] = NewestSketches(MOST_KNOWN, chain(older, learned))
        return self._stored[key]

    def _oldest_first(self, dtype: str, elements: int) -> list[tuple[str, bytes]]:
        """Return what the catalog knows of a dtype and size, the newest last."""
        if self._connection is None:
            self._connection = self._stack.enter_context(open_current(self._repository))
        newest_first = sketches(self._connection, dtype, elements, MOST_KNOWN)
        if self._repository.refs.forgotten is not None:  # the catalog also knows tensors that are gone
            newest_first = [item for item in newest_first if self._repository.store.contains(item[0])]
        return newest_first[::-1]
