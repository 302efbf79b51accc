"""Find a run by its id or name: among those that no version has taken in, and those of all versions that refs hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.named_runs import NamedRun, named_runs
from modelhub.catalog.opening import open_current
from modelhub.errors import InvalidInputError, NotFoundError, StateError
from modelhub.repository.objects import Run
from modelhub.repository.repository import Repository
from modelhub.runs.pending import PendingRun, list_pending, pending_points, points_of, read_pending, read_sealed

if TYPE_CHECKING:
    from modelhub.runs.points import Columns


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run, the version that first took it in, and where its log lies until then."""

    run: Run
    commit: str | None
    pending: PendingRun | None

    def points(self, repository: Repository) -> Mapping[str, Columns]:
        """Return steps, times and values of every series."""
        if self.pending is not None:
            return pending_points(repository, self.run.id)
        return points_of(repository, self.run)


def find_run(repository: Repository, text: str, *, least: int = 1) -> FoundRun:
    """Return the run whose id begins so (at least so many digits), or whose name this is.

    Raises NotFoundError, InvalidInputError for several.
    """
    if not text:
        raise InvalidInputError("the id of the run is empty", hint="'mh runs' lists the runs")
    with open_current(repository) as connection:
        found = named_runs(connection, text, least=least)
    if not found:
        raise NotFoundError(f"no run has the name '{text}' or an id that begins so", hint="'mh runs' lists the runs")
    if len(found) > 1:
        listed = ", ".join(item.run for item in found[:5])
        raise InvalidInputError(f"'{text}' could be {len(found)} runs", hint=f"by id: {listed}")
    return _read(repository, found[0])


def _read(repository: Repository, named: NamedRun) -> FoundRun:
    if named.commit is not None and named.oid is not None:
        return FoundRun(read_sealed(repository, named.oid), named.commit, None)
    for pending in list_pending(repository.layout):
        if pending.id == named.run:
            return FoundRun(read_pending(repository, pending), None, pending)
    raise StateError(f"the run {named.run} was taken into a version just now, or deleted", hint="ask again")
