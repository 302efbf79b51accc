"""What is known of tensors: from the recording that is going on, else from the catalog, else by decoding them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

from modelhub.catalog import rows
from modelhub.catalog.database import CatalogUnusableError, damages, open_catalog, open_catalog_read_only, transaction
from modelhub.repository.lint import Finding
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import TensorFact

if TYPE_CHECKING:
    from modelhub.weights.summary import TensorStatistics


_COLUMNS = "t.elements, t.nbytes, t.mean, t.std, t.minimum, t.maximum, t.norm, t.zero_share, t.nans, t.infs"


class Facts:
    """Statistics and sketches of tensors by id and dtype. `findings` are those of commits that were linted already."""

    def __init__(self, repository: Repository, recorded: Sequence[TensorFact] = ()) -> None:
        self._repository = repository
        self._facts = {(fact.oid, fact.dtype): fact for fact in recorded}
        self.findings: dict[str, Sequence[Finding]] = {}
        self._connection: sqlite3.Connection | None = None
        self._carries = False

    def close(self) -> None:
        """Let go of the catalog."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def carry_over(self) -> None:
        """Take what the catalog knows of tensors for a new one, if its file is sound and of this version.

        A tensor's facts follow from its bytes, so its id says whose they are; each row's own checksum is compared.
        """
        with contextlib.suppress(CatalogUnusableError, sqlite3.Error):
            self._connection = open_catalog_read_only(self._repository.layout.catalog)
            self._carries = not damages(self._connection)

    def lost_differences(self) -> list[LostDifference]:
        """Return what the catalog that is carried over knows of how far tensors moved that cannot be compared again."""
        if self._connection is None or not self._carries:
            return []
        found: list[LostDifference] = self._connection.execute(_DIFFERENCES).fetchall()
        contains = self._repository.store.contains
        is_there = {oid: contains(oid) for oid in {oid for row in found for oid in (row[0], row[2])}}
        return [row for row in found if not (is_there[row[0]] and is_there[row[2]])]

    def statistics_of(self, oid: str, dtype: str) -> TensorStatistics:
        """Return a tensor's statistics. Cost: up to decoding the tensor where nothing is known of it."""
        if (oid, dtype) not in self._facts:
            known = self._from_catalog(oid, dtype)
            if known is not None:
                return known
            self._facts[oid, dtype] = measure(self._repository, oid, dtype)
        return self._facts[oid, dtype].statistics

    def fact(self, oid: str, dtype: str) -> TensorFact:
        """Return all there is to know of a tensor that the catalog does not have; decodes it where need be."""
        found = self._facts.get((oid, dtype)) or (self._carried(oid, dtype) if self._carries else None)
        return found or measure(self._repository, oid, dtype)

    def _carried(self, oid: str, dtype: str) -> TensorFact | None:
        if self._connection is None:
            return None
        query = f"select {_COLUMNS}, t.sketch, t.checksum {_FROM}"
        row = self._connection.execute(query, (oid, dtype)).fetchone()
        if row is None:
            return None
        fact = TensorFact(oid, dtype, row[1], _statistics(row), row[10])
        return fact if row[11] == _checksum(fact) else None

    def _from_catalog(self, oid: str, dtype: str) -> TensorStatistics | None:
        try:
            if self._connection is None:
                self._connection = open_catalog_read_only(self._repository.layout.catalog)
        except CatalogUnusableError:
            return None
        return read_statistics(self._connection, oid, dtype)


_DIFFERENCES = """
select b.oid, v.dtype, a.oid, w.dtype, x.relative, x.cosine, x.largest, x.changed, x.new_nans, x.new_infs
from mh_differences x
join mh_tensors v on v.no = x.before_no join mh_oids b on b.no = v.oid_no
join mh_tensors w on w.no = x.after_no join mh_oids a on a.no = w.oid_no
"""

LostDifference = tuple[str, str, str, str, Any, Any, Any, Any, int, int]
"""Ids and dtypes of two tensors, one of which is gone, and the numbers of `rows.add_differences`."""


def numbered(connection: sqlite3.Connection, lost: Iterable[LostDifference]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of these differences for another catalog, as far as it has both tensors."""
    for before, dtype_before, after, dtype_after, *numbers in lost:
        before_no = rows.tensor_no_of(connection, before, dtype_before)
        after_no = rows.tensor_no_of(connection, after, dtype_after)
        if before_no is not None and after_no is not None:
            yield (before_no, after_no, *numbers)


_FROM = "from mh_tensors t join mh_oids o on o.no = t.oid_no where o.oid = ? and t.dtype = ?"


def read_statistics(connection: sqlite3.Connection, oid: str, dtype: str) -> TensorStatistics | None:
    """Return what a catalog knows of a tensor's numbers."""
    row = connection.execute(f"select {_COLUMNS} {_FROM}", (oid, dtype)).fetchone()
    return None if row is None else _statistics(row)


def _statistics(row: Sequence[Any]) -> TensorStatistics:
    from modelhub.weights.summary import TensorStatistics

    count, _, mean, std, minimum, maximum, norm, zero_share, nans, infs = row[:10]
    zeros = None if nans is None else round(count * (zero_share or 0.0))
    return TensorStatistics(count if nans is not None else 0, mean, std, minimum, maximum, norm, zeros, nans, infs)


def _checksum(fact: TensorFact) -> int:
    """A check against damage of single numbers, which SQLite's own check of a file does not see."""
    numbers = fact.statistics
    parts = (fact.oid, fact.dtype, fact.nbytes, *(getattr(numbers, name) for name in _NUMBERS))
    return crc32(repr(parts).encode() + fact.sketch)


_NUMBERS = ("mean", "std", "minimum", "maximum", "norm", "zeros", "nans", "infs")


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
        _checksum(fact),
    )  # fmt: skip
    return rows.tensor_no(connection, row)
