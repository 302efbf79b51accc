"""Bring the catalog up to the newest operation, or build it anew: everything in it comes from the objects."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator

from modelhub.catalog import rows
from modelhub.catalog.commit_rows import CommitIngest
from modelhub.catalog.database import (
    CatalogUnusableError,
    connect,
    create_catalog,
    damages,
    is_current,
    is_damage,
    mark_current,
    meta,
    open_catalog,
    open_catalog_read_only,
    replace_catalog,
    transaction,
)  # fmt: skip
from modelhub.catalog.facts import Facts, numbered
from modelhub.catalog.lineage_rows import settle_parents
from modelhub.catalog.pending_rows import drop_taken, set_pending
from modelhub.catalog.pending_signature import pending_signature
from modelhub.catalog.ref_rows import add_operation, drop_unheld, set_forgotten, set_refs
from modelhub.catalog.run_tables import mark_replaced
from modelhub.catalog.storage_rows import StorageIngest
from modelhub.errors import LockHeld, ModelHubError, StateError
from modelhub.files import remove
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import Operation
from modelhub.repository.repository import Repository


def catch_up(repository: Repository, facts: Facts | None = None) -> None:
    """Bring the catalog up to date at the end of a change. For the holder of the writer lock.

    The change itself is durable by then: where the catalog cannot follow now, the next who opens it makes it.
    """
    with contextlib.suppress(sqlite3.Error, OSError, CatalogUnusableError, ModelHubError):
        _write_current(repository, facts)


def bring_up_to_date(repository: Repository) -> sqlite3.Connection:
    """Return a connection to a current catalog: rolled forward, rebuilt, or where nothing can be written in memory.

    Writes only with the writer lock, for a catalog must not be written to while another process replaces it.
    """
    try:
        with repository.writing(wait=False):
            _write_current(repository)
        return open_catalog_read_only(repository.layout.catalog)
    except (LockHeld, StateError, OSError, sqlite3.Error, CatalogUnusableError):
        return _in_memory(repository)


def _write_current(repository: Repository, facts: Facts | None = None) -> None:
    try:
        with contextlib.closing(open_catalog(repository.layout.catalog)) as connection:
            roll_forward(repository, connection, facts, pending=facts is None)
            return
    except CatalogUnusableError:
        pass
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
    rebuild(repository, facts)


def rebuild(repository: Repository, facts: Facts | None = None, progress: Progress = SILENT) -> None:
    """Build the catalog anew and put it in the old one's place. For the holder of the writer lock."""
    new = repository.layout.scratch / "catalog.db"
    remove(new)
    facts = facts or Facts(repository)
    facts.carry_over()
    lost = facts.lost_differences()
    with contextlib.closing(create_catalog(new)) as connection:
        roll_forward(repository, connection, facts, progress)
        with transaction(connection):
            rows.add_differences(connection, list(numbered(connection, lost)))
    replace_catalog(new, repository.layout.catalog)


def roll_forward(
    repository: Repository,
    connection: sqlite3.Connection,
    facts: Facts | None = None,
    progress: Progress = SILENT,
    *,
    pending: bool = True,
) -> None:
    """Take in every operation the catalog does not have yet, in one transaction, and the runs that are pending.

    Without `pending` those are left as they are, but for what a version took in: the next reader sees to them.
    Raises CatalogUnusableError where the catalog reflects an operation that is not in the repository's chain.
    """
    newest = repository.pointer().operation
    signature = pending_signature(repository.layout) if pending else None
    with transaction(connection):
        behind = not is_current(connection, newest)
        if behind:
            _take_operations(repository, connection, facts, progress)
            mark_current(connection, newest)
        if signature is not None and signature != (meta(connection, "pending") or ""):
            set_pending(connection, repository, signature)
            behind = True
        if behind:
            drop_taken(connection)
            mark_replaced(connection)
            settle_parents(connection)


def _take_operations(
    repository: Repository, connection: sqlite3.Connection, facts: Facts | None, progress: Progress
) -> None:
    missing = list(_operations_since(repository, meta(connection, "operation")))
    progress.start("indexing", len(missing), "operations")
    with contextlib.closing(facts or Facts(repository)) as known:
        for oid, operation in reversed(missing):
            add_operation(connection, repository, oid, operation)
            progress.advance(1)
        held = set_refs(connection, missing[0][1])
        set_forgotten(connection, repository, missing[0][1])
        ingest = CommitIngest(repository, connection, known)
        for commit in sorted(held.now):
            ingest.add(commit)
    drop_unheld(connection, held)


def refresh_storage(repository: Repository) -> None:
    """Read again how tensors are stored, after gc moved or deleted objects. For the holder of the writer lock."""
    try:
        connection = open_catalog(repository.layout.catalog)
    except CatalogUnusableError:
        return
    with contextlib.closing(connection):
        known = connection.execute("select distinct o.oid from mh_tensors t join mh_oids o on o.no = t.oid_no")
        whole = all(repository.store.contains(oid) for (oid,) in known)
        if whole:
            stored = [
                oid for (oid,) in connection.execute("select o.oid from mh_storage k join mh_oids o on o.no = k.no")
            ]
            with transaction(connection):
                StorageIngest(repository, connection).add(stored, again=True)
    if not whole:
        rebuild(repository)


def check_catalog(repository: Repository) -> str | None:
    """Return what is wrong with the catalog's file, None where nothing is (being behind is not wrong)."""
    if not repository.layout.catalog.exists():
        return None
    try:
        connection = open_catalog_read_only(repository.layout.catalog)
    except CatalogUnusableError as error:
        return str(error)
    with contextlib.closing(connection):
        found = damages(connection)
    return f"the catalog is damaged: {found[0]}" if found else None


def _operations_since(repository: Repository, known: str | None) -> Iterator[tuple[str, Operation]]:
    for oid, operation in repository.operations():
        if oid == known:
            return
        yield oid, operation
    if known is not None:
        raise CatalogUnusableError("the catalog reflects another history")


def copy_with(repository: Repository, connection: sqlite3.Connection, commits: Iterable[str]) -> sqlite3.Connection:
    """Return a copy in memory that also has commits which no ref holds, and their ancestors."""
    memory = connect(":memory:")
    connection.backup(memory)
    with contextlib.closing(Facts(repository)) as known, transaction(memory):
        ingest = CommitIngest(repository, memory, known)
        for commit in commits:
            ingest.add(commit)
        mark_replaced(memory)
        settle_parents(memory)
    return memory


def _in_memory(repository: Repository) -> sqlite3.Connection:
    """A current catalog for this process only: a copy of the one on disk, if it can be read, brought up to date."""
    with contextlib.suppress(CatalogUnusableError, sqlite3.Error):
        memory = connect(":memory:")
        with contextlib.closing(open_catalog_read_only(repository.layout.catalog)) as old:
            old.backup(memory)
        roll_forward(repository, memory)
        return memory
    memory = create_catalog(None)
    roll_forward(repository, memory)
    return memory
