"""Build the catalog anew from the objects."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from modelhub.catalog.counting import count_rows
from modelhub.catalog.ingest import rebuild
from modelhub.catalog.opening import open_current
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class ReindexResult:
    """What the new catalog holds, and how long it took in seconds."""

    commits: int
    files: int
    tensors: int
    seconds: float


def reindex(
    repo: Repository, *, progress: Progress = SILENT, waiting: Callable[[], None] | None = None
) -> ReindexResult:
    """Replace the catalog with one made from the objects alone; the same questions then have the same answers."""
    started = time.perf_counter()
    with repo.writing(waiting=waiting):
        rebuild(repo, progress=progress)
    with open_current(repo) as connection:
        commits, files, tensors = count_rows(connection)
    return ReindexResult(commits, files, tensors, time.perf_counter() - started)
