"""Keep the rows of pending runs: those that go on, or have ended and wait for the next version."""

from __future__ import annotations

import contextlib
import sqlite3

from modelhub.catalog.database import set_meta
from modelhub.catalog.lineage_rows import LineageIngest
from modelhub.catalog.run_rows import RunIngest
from modelhub.catalog.run_tables import drop_runs, is_taken_in
from modelhub.errors import ModelHubError
from modelhub.repository.repository import Repository


def set_pending(connection: sqlite3.Connection, repository: Repository, signature: str) -> None:
    """Read all pending runs anew. `signature` was taken before: what came since is seen by the next reader."""
    _drop(connection, "select no from mh_runs where is_pending")
    set_meta(connection, "pending", signature)
    if not signature:
        return
    from modelhub.runs.pending import list_pending, read_pending

    ingest, lineage = RunIngest(repository, connection), LineageIngest(repository, connection)
    for item in list_pending(repository.layout):
        if is_taken_in(connection, item.id):
            continue
        with contextlib.suppress(ModelHubError, OSError):
            run = read_pending(repository, item)
            lineage.add_run(None, None, ingest.add_pending(run, item.sealed), run)


def drop_taken(connection: sqlite3.Connection) -> None:
    """Take out the pending rows of runs that a version has taken in since."""
    _drop(
        connection,
        "select p.no from mh_runs p where p.is_pending"
        " and exists (select 1 from mh_runs t where t.run_id = p.run_id and not t.is_pending)",
    )


def _drop(connection: sqlite3.Connection, query: str) -> None:
    gone = [no for (no,) in connection.execute(query).fetchall()]
    if gone:
        drop_runs(connection, gone)
