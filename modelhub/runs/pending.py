"""Runs that no version has taken in yet: they go on, or wait for the next commit."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.errors import FormatError, InvalidInputError, ModelHubError, NotFoundError, StateError
from modelhub.oid import is_oid
from modelhub.repository.layout import Layout
from modelhub.repository.objects import Run
from modelhub.repository.repository import Repository
from modelhub.runs.fold import Folded, fold
from modelhub.runs.folder import LOG, OBJECT, is_log, is_run_id
from modelhub.runs.liveness import is_alive
from modelhub.runs.log import LogContent, interleaved, read_first_note, read_log
from modelhub.runs.notes import Joined, Owner, Start

if TYPE_CHECKING:
    from modelhub.runs.points import Columns

OBJECT_NBYTES = 80


class PendingRun(Struct, frozen=True):
    """A run's folder as it was when it was listed. `changed_ms` is when its logs last grew (unix milliseconds).

    `sealed` is the id of the run object where the run had been in a version and that version was undone; only then
    is `start` None. `owners` are the processes that write to it, none where the run surely ended.
    """

    id: str
    folder: Path
    log_nbytes: int
    sealed: str | None
    start: Start | None
    changed_ms: int
    owners: tuple[Owner, ...]


def list_pending(layout: Layout) -> tuple[PendingRun, ...]:
    """Return the pending runs by the time they began. Those that cannot be understood are left to `damaged_runs`.

    Cost: a look into each folder. Raises StateError where `.mh/runs` cannot be read.
    """
    found = []
    for folder in _folders(layout):
        try:
            run = _look(folder)
        except ModelHubError:
            continue
        if run is not None:
            found.append(run)
    return tuple(sorted(found, key=lambda run: (run.start.time if run.start else 0, run.id)))


def is_going(pending: PendingRun) -> bool:
    """Tell whether a process of the run is there and its log is not closed; `read_pending` knows for sure."""
    return any(is_alive(owner, pending.changed_ms) for owner in pending.owners)


def find_run(repository: Repository, prefix: str) -> PendingRun:
    """Return the pending run whose id begins so. Raises NotFoundError, and InvalidInputError where several do."""
    found = [run for run in list_pending(repository.layout) if run.id.startswith(prefix)]
    if not found or not prefix:
        raise NotFoundError(f"no pending run has an id that begins with '{prefix}'")
    if len(found) > 1:
        raise InvalidInputError(
            f"'{prefix}' could be {len(found)} runs: {', '.join(run.id for run in found[:5])}", hint="give more digits"
        )
    return found[0]


def signature(layout: Layout) -> str:
    """Return a text that changes when a log grew, a run came or went, or the process of one died; "" without runs."""
    return "\n".join(
        f"{run.id} {run.log_nbytes} {run.sealed or ''} {int(is_going(run))}" for run in list_pending(layout)
    )


def read_pending(repository: Repository, pending: PendingRun) -> Run:
    """Return a run as it is now, without ids of points and output unless it was sealed.

    Raises FormatError or StateError where the log cannot be read, IntegrityError or ObjectNotFound for a sealed run.
    """
    return read_sealed(repository, pending.sealed) if pending.sealed else fold_pending(pending).run


def pending_points(repository: Repository, run_id: str) -> Mapping[str, Columns]:
    """Return steps, times and values of every series of a pending run, as logged. Raises as `read_pending`."""
    pending = find_run(repository, run_id)
    if pending.sealed:
        return points_of(repository, read_sealed(repository, pending.sealed))
    return fold_pending(pending).series


def read_sealed(repository: Repository, oid: str) -> Run:
    """Return a run object."""
    return repository.get(oid, Run)


def points_of(repository: Repository, run: Run) -> Mapping[str, Columns]:
    """Return steps, times and values of every series of a run in the store. Raises FormatError, ObjectNotFound."""
    if run.points is None:
        return {}
    from modelhub.runs.points import PointsReader, series_columns

    reader = PointsReader(repository.store.open(run.points).read)
    return {series.name: series_columns(reader, series) for series in run.series}


def fold_pending(pending: PendingRun) -> Folded:
    """Return a pending run and its points, from all its logs. Raises FormatError, StateError."""
    contents = [read_log(path) for path in _logs(pending.folder)]
    start = contents[0].notes[0] if contents and contents[0].notes else None
    if not isinstance(start, Start):
        raise FormatError(f"the log of the run {pending.id} does not begin with its start")
    logs = [content.notes for content in contents]
    return fold(start, logs, _together(contents), alive=is_going(pending))


def damaged_runs(layout: Layout) -> Mapping[str, str]:
    """Return the runs that `list_pending` leaves out, by id, and what is wrong with each."""
    found = {}
    for folder in _folders(layout):
        try:
            _look(folder)
        except ModelHubError as error:
            found[folder.name] = error.message
    return found


def torn_runs(layout: Layout) -> Mapping[str, str]:
    """Return the runs that are over and whose logs break off, by id, and what was lost of each. Reads all logs."""
    found = {}
    for run in list_pending(layout):
        if run.sealed or is_going(run):
            continue
        with contextlib.suppress(ModelHubError):
            lost = sum(content.nbytes - content.sound_nbytes for content in map(read_log, _logs(run.folder)))
            if lost:
                found[run.id] = f"the last {lost} bytes of its log cannot be read; all that was logged before is there"
    return found


def _folders(layout: Layout) -> Iterator[Path]:
    """Yield the folders that are named as runs are; whatever else lies there is none of our business."""
    try:
        with os.scandir(layout.runs) as entries:
            names = [entry.name for entry in entries if is_run_id(entry.name) and entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StateError(
            f"the runs cannot be read: {error.strerror}", hint=f"check the rights on '{layout.runs}'"
        ) from None
    for name in sorted(names):
        yield layout.runs / name


def _logs(folder: Path) -> list[Path]:
    """Return a run's log files, the main one first."""
    try:
        names = sorted(name for name in os.listdir(folder) if is_log(name))
    except OSError as error:
        raise StateError(
            f"the run {folder.name} cannot be read: {error.strerror}", hint="ask again: a version may have taken it in"
        ) from None
    return [folder / name for name in names]


def _look(folder: Path) -> PendingRun | None:
    """Return what a folder's listing and its first note tell; None where no run has begun in it."""
    try:
        with os.scandir(folder) as entries:
            stats = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
        sealed = _sealed(folder) if OBJECT in stats else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"the run {folder.name} cannot be read: {error.strerror}") from None
    if sealed is None and LOG not in stats:
        return None
    start = _start(folder, stats[LOG]) if sealed is None else None
    return PendingRun(
        id=folder.name,
        folder=folder,
        log_nbytes=sum(stat.st_size for name, stat in stats.items() if is_log(name)),
        sealed=sealed,
        start=start,
        changed_ms=max(stat.st_mtime_ns for stat in stats.values()) // 1_000_000,
        owners=() if start is None or not stats[LOG].st_mode & 0o200 else (start.owner, *_joined(folder, stats)),
    )


def _sealed(folder: Path) -> str:
    with (folder / OBJECT).open("rb") as file:
        text = file.read(OBJECT_NBYTES).decode("ascii", "replace").strip()
    if not is_oid(text):
        raise FormatError(f"the run {folder.name} names no object")
    return text


def _start(folder: Path, stat: os.stat_result) -> Start:
    """Return what the main log begins with."""
    note = _first_note(folder / LOG, stat.st_dev, stat.st_ino)
    if not isinstance(note, Start) or note.id != folder.name:
        raise FormatError(f"the log of the run {folder.name} does not begin with its start")
    return note


def _joined(folder: Path, stats: Mapping[str, os.stat_result]) -> Iterator[Owner]:
    """Yield the processes that joined. A log that is still empty is just being begun."""
    for name, stat in stats.items():
        if is_log(name) and name != LOG and stat.st_size:
            note = _first_note(folder / name, stat.st_dev, stat.st_ino)
            if note is not None:
                yield note.owner


@lru_cache(maxsize=1024)
def _first_note(path: Path, device: int, inode: int) -> Start | Joined | None:
    """Return what a log begins with, which never changes."""
    return read_first_note(path)


def _together(contents: list[LogContent]) -> Mapping[str, Columns]:
    """Return the series of all logs of a run."""
    if len(contents) == 1:
        return contents[0].series
    found: dict[str, list[Columns]] = {}
    for content in contents:
        for name, columns in content.series.items():
            found.setdefault(name, []).append(columns)
    return {name: interleaved(logs) for name, logs in found.items()}
