"""Ask the history in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from modelhub.catalog.asking import ask
from modelhub.catalog.query.result import QueryResult
from modelhub.catalog.query.sql import LIMIT_ROWS
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository

TIMEOUT_S = 10.0


def query(
    repo: Repository,
    *,
    sql: str,
    params: Mapping[str, object] | None = None,
    limit: int | None = LIMIT_ROWS,
    timeout_s: float = TIMEOUT_S,
    progress: Progress = SILENT,
) -> QueryResult:
    """Run one read-only query over the public views (docs/reference/sql-views.md), at most `limit` rows.

    Raises QuerySyntaxError, which knows the place in the text, also where the time limit is reached.
    """
    return ask(repo, sql, params=params or {}, limit_rows=limit, timeout_s=timeout_s, progress=progress)
