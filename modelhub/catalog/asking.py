"""Answer a person's SQL from a catalog that reflects the newest operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelhub.catalog.differences import fill_differences
from modelhub.catalog.opening import Connection, open_current
from modelhub.catalog.query.result import QueryResult
from modelhub.catalog.query.sql import LIMIT_ROWS, run
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository

_MEASURED_VIEW = re.compile(r"\bchanges\b", re.IGNORECASE)


def ask(
    repository: Repository,
    text: str,
    *,
    params: Mapping[str, Any],
    limit_rows: int | None = LIMIT_ROWS,
    timeout_s: float,
    progress: Progress = SILENT,
) -> QueryResult:
    """Run one query over the public views. The view `changes` is completed first, outside the time limit."""
    with open_current(repository) as connection:
        memory = connection if _is_in_memory(connection) else None
        if _MEASURED_VIEW.search(text):
            fill_differences(repository, memory, progress)
        return run(
            repository.layout.catalog, text, params=params, limit_rows=limit_rows, timeout_s=timeout_s, in_memory=memory
        )


def _is_in_memory(connection: Connection) -> bool:
    return not connection.execute("pragma database_list").fetchone()[2]
