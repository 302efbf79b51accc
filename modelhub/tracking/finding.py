"""Find a run that goes on, or waits for a version, by its id."""

from __future__ import annotations

from modelhub.errors import NotFoundError
from modelhub.repository.objects import Run
from modelhub.repository.repository import Repository
from modelhub.runs.pending import list_pending, read_pending


def find_pending(repository: Repository, run_id: str) -> Run:
    """Return a run that no version has taken in, by its whole id. Raises NotFoundError."""
    for pending in list_pending(repository.layout):
        if pending.id == run_id:
            return read_pending(repository, pending)
    raise NotFoundError(f"no run '{run_id}' is going on here", hint="'mh runs' lists the runs")
