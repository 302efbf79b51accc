"""Count what the catalog holds."""

from __future__ import annotations

from modelhub.catalog.opening import Connection


def count_rows(connection: Connection) -> tuple[int, int, int]:
    """Return how many commits, different files and different tensors there are."""
    tables = (
        "select count(*) from mh_commits",
        "select count(distinct file_no) from mh_entries",
        "select count(*) from mh_tensors",
    )
    commits, files, tensors = (int(connection.execute(text).fetchone()[0]) for text in tables)
    return commits, files, tensors
