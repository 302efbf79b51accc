"""Delete what no version needs any more, after a time of grace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelhub.catalog.ingest import refresh_storage
from modelhub.errors import StateError
from modelhub.porcelain.config import number_setting
from modelhub.porcelain.gone import GoneObject, describe
from modelhub.porcelain.needed import needed_objects
from modelhub.progress import SILENT, Progress
from modelhub.repository.condemned import Condemned, read_condemned, write_condemned
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.repository import Act, Repository
from modelhub.store.prune import settle

GRACE_DAYS = 14.0
OPERATIONS_DAYS = 90.0
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class GcResult:
    """What was deleted, or with `dry_run` would be. `packed` counts loose objects and small packs put into one pack."""

    dry_run: bool
    removed: tuple[GoneObject, ...]
    waiting: tuple[GoneObject, ...]
    freed_nbytes: int
    packed: int


def gc(
    repo: Repository,
    *,
    act: Act,
    home: Path | None = None,
    grace_days: float | None = None,
    operations_days: float | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> GcResult:
    """Delete the objects that no ref, no undoable operation and no staged file needs, and were so for the grace time.

    Of forgotten versions only the weights and large files go, and only those that nothing else needs.

    The first run that finds an object unneeded notes the time; a run after the grace deletes it. With a grace of 0 both
    happen at once. Operations older than `operations_days` can no longer be undone. Where the clock went backwards
    nothing is deleted. Raises IntegrityError where the history is damaged: what it needs is then not known.
    """
    grace = number_setting(repo, home, "gc.grace_days", GRACE_DAYS) if grace_days is None else grace_days
    if operations_days is None:
        operations_days = number_setting(repo, home, "gc.operations_days", OPERATIONS_DAYS)
    with repo.writing(waiting=waiting):
        if not dry_run:
            settle(repo.store, progress)  # what is needed is told by the one copy that stays
        forgotten = forgotten_versions(repo).keys() - repo.refs.held()
        oldest = act.time - int(operations_days * DAY_MS)
        needed = needed_objects(repo, oldest, forgotten, progress)
        unneeded = sorted(oid for oid in repo.store.ids() if oid not in needed)
        known = read_condemned(repo.layout)
        if known.newest > act.time:
            raise StateError("the clock went backwards since the last gc; nothing was deleted", hint="check the date")
        since = {oid: known.since.get(oid, act.time) for oid in unneeded}
        gone = [oid for oid in unneeded if act.time - since[oid] >= grace * DAY_MS]
        left = sorted(set(unneeded).difference(gone))
        was = describe(repo, set(unneeded), sorted(forgotten))
        removed = [_gone(repo, oid, 0.0, was) for oid in gone]
        later = [_gone(repo, oid, grace - (act.time - since[oid]) / DAY_MS, was) for oid in left]
        freed = sum(item.stored_nbytes for item in removed)
        packed = 0
        if not dry_run:
            spared = max(oldest, known.undoable_from) if gone else known.undoable_from
            write_condemned(repo.layout, Condemned(newest=act.time, undoable_from=spared, since=since))
            if gone:
                freed = repo.store.delete(set(gone), progress)
            packed = repo.store.consolidate(progress).objects
            waits = {oid: since[oid] for oid in left}
            write_condemned(repo.layout, Condemned(newest=act.time, undoable_from=spared, since=waits))
            refresh_storage(repo)
    return GcResult(dry_run, tuple(removed), tuple(later), freed, packed)


def _gone(repo: Repository, oid: str, days_left: float, was: dict[str, str]) -> GoneObject:
    info = repo.store.info(oid)
    return GoneObject(oid, info.kind, info.stored_nbytes, days_left, was.get(oid, ""))
