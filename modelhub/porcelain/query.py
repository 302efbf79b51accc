"""Ask the history in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.catalog.asking import ask
from modelhub.catalog.query.result import QueryResult
from modelhub.catalog.query.sql import LIMIT_ROWS
from modelhub.porcelain.saved_queries import bound_values, saved_query
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository

TIMEOUT_S = 10.0


def query(
    repo: Repository,
    *,
    sql: str,
    params: Mapping[str, Any] | None = None,
    limit: int | None = LIMIT_ROWS,
    timeout_s: float = TIMEOUT_S,
    as_of: str | None = None,
    progress: Progress = SILENT,
) -> QueryResult:
    """Run one read-only query over the public views (docs/reference/sql-views.md), at most `limit` rows.

    `@NAME` is the saved query of that name, its defaults filled in (see saved_queries.py).
    Raises QuerySyntaxError, which knows the place in the text, also where the time limit is reached.
    """
    if sql.lstrip().startswith("@"):
        saved = saved_query(repo, place=sql.strip().removesuffix(";").rstrip())
        sql, params = saved.text, bound_values(saved, params or {})
    return ask(repo, sql, params=params or {}, limit_rows=limit, timeout_s=timeout_s, as_of=as_of, progress=progress)
