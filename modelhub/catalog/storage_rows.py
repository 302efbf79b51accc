"""Note in the catalog how objects are stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from modelhub.catalog import rows
from modelhub.errors import ModelHubError
from modelhub.repository.repository import Repository

MOST_SETTLED = 100_000


class StorageIngest:
    """Adds a row for each object, asking the store once. The caller holds the transaction."""

    def __init__(self, repository: Repository, connection: sqlite3.Connection) -> None:
        self._repository = repository
        self._connection = connection
        self._settled: set[str] = set()

    def add(self, oids: Iterable[str], *, again: bool = False) -> None:
        """Set how these objects are stored; of those that have a row only `again`. Objects that are gone get none."""
        found = []
        for oid in oids:
            if oid in self._settled and not again:
                continue
            if len(self._settled) >= MOST_SETTLED:
                self._settled.clear()
            self._settled.add(oid)
            number = rows.oid_no(self._connection, oid)
            if again or not rows.has_storage(self._connection, number):
                row = self._row(oid, number)
                found += [] if row is None else [row]
        rows.put_storage(self._connection, found)

    def _row(self, oid: str, number: int) -> tuple[object, ...] | None:
        try:
            info = self._repository.store.info(oid)
        except ModelHubError:
            return None
        base = None if info.base is None else rows.oid_no(self._connection, info.base)
        return number, info.kind, info.size, info.stored_nbytes, base, info.depth, ",".join(info.codecs)
