"""What is known of tensors: from the recording that is going on, else from the catalog, else by decoding them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelhub.catalog import rows
from modelhub.catalog.database import CatalogUnusableError, open_catalog, open_catalog_read_only, transaction
from modelhub.repository.lint import Finding
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import TensorFact

if TYPE_CHECKING:
    from modelhub.weights.summary import TensorStatistics


class Facts:
    """Statistics and sketches of tensors by id and dtype. `findings` are those of commits that were linted already."""

    def __init__(self, repository: Repository, recorded: Sequence[TensorFact] = ()) -> None:
        self._repository = repository
        self._facts = {(fact.oid, fact.dtype): fact for fact in recorded}
        self.findings: dict[str, Sequence[Finding]] = {}
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Let go of the catalog."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def statistics_of(self, oid: str, dtype: str) -> TensorStatistics:
        """Return a tensor's statistics. Cost: up to decoding the tensor where nothing is known of it."""
        if (oid, dtype) not in self._facts:
            known = self._from_catalog(oid, dtype)
            if known is not None:
                return known
        return self.fact(oid, dtype).statistics

    def fact(self, oid: str, dtype: str) -> TensorFact:
        """Return all there is to know of a tensor that the catalog does not have; decodes it where need be."""
        if (oid, dtype) not in self._facts:
            self._facts[oid, dtype] = measure(self._repository, oid, dtype)
        return self._facts[oid, dtype]

    def _from_catalog(self, oid: str, dtype: str) -> TensorStatistics | None:
        from modelhub.weights.summary import TensorStatistics

        try:
            if self._connection is None:
                self._connection = open_catalog_read_only(self._repository.layout.catalog)
        except CatalogUnusableError:
            return None
        found = self._connection.execute(
            "select t.elements, t.mean, t.std, t.minimum, t.maximum, t.norm, t.zero_share, t.nans, t.infs"
            " from mh_tensors t join mh_oids o on o.no = t.oid_no where o.oid = ? and t.dtype = ?",
            (oid, dtype),
        ).fetchone()
        if found is None:
            return None
        count, mean, std, minimum, maximum, norm, zero_share, nans, infs = found
        zeros = None if nans is None else round(count * (zero_share or 0.0))
        return TensorStatistics(count if nans is not None else 0, mean, std, minimum, maximum, norm, zeros, nans, infs)


def measure(repository: Repository, oid: str, dtype: str) -> TensorFact:
    """Decode a tensor and take its statistics and sketch, as recording does."""
    from modelhub.weights.sketch import Sampler
    from modelhub.weights.statistics import combine, partial

    stored = repository.store.open(oid)
    sampler = Sampler(dtype, stored.size)
    partials = []
    for block in stored.blocks():
        partials.append(partial(block, dtype))
        sampler.feed(block)
    return TensorFact(oid, dtype, stored.size, combine(partials), sampler.result())


def unknown_fact(oid: str, dtype: str, nbytes: int) -> TensorFact:
    """Return what can be said of a tensor whose stored bytes are gone or damaged."""
    from modelhub.weights.summary import TensorStatistics

    return TensorFact(oid, dtype, nbytes, TensorStatistics(0, *[None] * 8), b"")


def remember_facts(repository: Repository, facts: Sequence[TensorFact]) -> None:
    """Put what was learned into the catalog; where that is not possible now, it is learned again when needed."""
    if not facts:
        return
    try:
        connection = open_catalog(repository.layout.catalog)
    except CatalogUnusableError:
        return
    with contextlib.closing(connection), contextlib.suppress(sqlite3.Error), transaction(connection):
        for fact in facts:
            add_tensor(connection, fact)


def add_tensor(connection: sqlite3.Connection, fact: TensorFact) -> int:
    """Add a tensor's row and return its number."""
    numbers = fact.statistics
    share = None
    if numbers.zeros is not None:
        share = numbers.zeros / numbers.count if numbers.count else None
    row = (
        rows.oid_no(connection, fact.oid), fact.dtype, fact.elements, fact.nbytes, numbers.mean, numbers.std,
        numbers.minimum, numbers.maximum, numbers.norm, share, numbers.nans, numbers.infs, fact.sketch,
    )  # fmt: skip
    return rows.tensor_no(connection, row)
