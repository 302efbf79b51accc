"""Open the catalog as it must be read: reflecting the newest operation. The quick way when it already does."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator

from modelhub.catalog.database import CatalogUnusableError, is_current, is_damage, meta, open_catalog_read_only
from modelhub.catalog.pending_signature import pending_signature
from modelhub.errors import IntegrityError
from modelhub.repository.repository import Repository

Connection = sqlite3.Connection


@contextlib.contextmanager
def open_current(repository: Repository) -> Iterator[Connection]:
    """Open the catalog for reading, brought up to date first where it is behind, rebuilt where it is damaged.

    Where the repository cannot be written that happens in memory. Raises IntegrityError where a damage shows only
    while reading.
    """
    connection = _open_if_current(repository) or _bring_up_to_date(repository)
    with contextlib.closing(connection):
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            raise IntegrityError(f"the catalog is damaged: {error}", hint="'mh reindex' makes it anew") from error


@contextlib.contextmanager
def open_current_with(repository: Repository, commit: str) -> Iterator[Connection]:
    """Open the catalog as `open_current` does, with a commit in it that maybe no ref holds any more."""
    with open_current(repository) as connection, open_with(repository, connection, [commit]) as found:
        yield found


@contextlib.contextmanager
def open_with(repository: Repository, connection: Connection, commits: Iterable[str]) -> Iterator[Connection]:
    """Give a connection that has these commits: the same one, or where it lacks some a copy in memory with them."""
    query = "select 1 from mh_commits c join mh_oids o on o.no = c.no where o.oid = ?"
    lacking = [commit for commit in commits if connection.execute(query, (commit,)).fetchone() is None]
    if not lacking:
        yield connection
        return
    from modelhub.catalog.ingest import copy_with

    with contextlib.closing(copy_with(repository, connection, lacking)) as memory:
        yield memory


def _open_if_current(repository: Repository) -> Connection | None:
    newest = repository.pointer().operation
    try:
        connection = open_catalog_read_only(repository.layout.catalog)
    except CatalogUnusableError:
        return None
    with contextlib.suppress(sqlite3.DatabaseError):
        if is_current(connection, newest) and pending_signature(repository.layout) == (
            meta(connection, "pending") or ""
        ):
            return connection
    connection.close()
    return None


def _bring_up_to_date(repository: Repository) -> Connection:
    from modelhub.catalog.ingest import bring_up_to_date

    return bring_up_to_date(repository)
