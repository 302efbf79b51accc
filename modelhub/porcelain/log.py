"""The history, newest first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from modelhub.catalog.history import LogEntry, read_log, ref_commits
from modelhub.catalog.opening import open_current, open_current_with
from modelhub.catalog.revisions import resolve
from modelhub.repository.repository import Repository


def log(
    repo: Repository,
    *,
    revision: str | None = None,
    paths: Sequence[str] = (),
    limit: int | None = None,
    all_refs: bool = False,
) -> Iterator[LogEntry]:
    """Yield the commits a revision (HEAD) descends from, or with `all_refs` every ref, a commit before its parents.

    `paths` keeps the commits that changed one of them. Raises RefNotFound before the first commit.
    """
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(open_current(repo))
        starts = ref_commits(connection, None if all_refs else revision or "HEAD")
        if not starts:
            starts = [resolve(repo, revision or "HEAD")]
            connection = stack.enter_context(open_current_with(repo, starts[0]))
        yield from read_log(connection, starts, paths=paths, limit=limit)
