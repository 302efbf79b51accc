"""Import the runs of TensorBoard: each folder with event files is one."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modelhub.errors import FormatError, InvalidInputError, PathNotFound
from modelhub.importers.imported_runs import ForeignRun, ImportedRuns, take_in
from modelhub.importers.tensorboard_events import EventRun
from modelhub.importers.tensorboard_records import read_records
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import Person, Run
from modelhub.repository.repository import Act, Repository

EVENTS = "tfevents"
_WRITER = re.compile(r"tfevents\.\d+\.(.+?)(?:\.\d+\.\d+)?(?:\.v2)?$")


def import_tensorboard(
    repo: Repository,
    *,
    act: Act,
    source: Path,
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ImportedRuns:
    """Take TensorBoard's runs at and below `source`, a folder or an event file, into the history by one commit.

    Raises PathNotFound, or InvalidInputError where there are no event files.
    """
    folders = _find_events(source)
    warnings: list[str] = []
    return take_in(
        repo,
        act=act,
        tool="TensorBoard",
        runs=_foreign(folders, source, progress, warnings),
        warnings=warnings,
        dry_run=dry_run,
        progress=progress,
        waiting=waiting,
    )


def _find_events(source: Path) -> dict[Path, list[Path]]:
    """Return the event files of each folder, in the order of their names."""
    if not source.exists():
        raise PathNotFound(f"there is no '{source}'")
    if source.is_file():
        return {source.parent: [source]}
    found: dict[Path, list[Path]] = {}
    for here, folders, names in os.walk(source):
        folders.sort()
        files = [Path(here, name) for name in sorted(names) if EVENTS in name]
        if files:
            found[Path(here)] = [place for place in files if place.is_file()]
    if not found:
        raise InvalidInputError(
            f"'{source}' holds no event files", hint="their names begin with 'events.out.tfevents.'"
        )
    return found


def _foreign(
    folders: dict[Path, list[Path]], source: Path, progress: Progress, warnings: list[str]
) -> Iterator[ForeignRun]:
    top = source if source.is_dir() else source.parent
    progress.start("reading", sum(place.stat().st_size for files in folders.values() for place in files))
    seen: dict[str, Path] = {}
    left_out: Counter[str] = Counter()
    for folder, files in folders.items():
        gathered = _gather(files, progress, warnings)
        if gathered.first_time is None:
            warnings.append(f"'{folder}' has no event that can be read")
            continue
        origin = f"tensorboard:{files[0].name}@{gathered.first_time!r}"
        if origin in seen:
            warnings.append(f"'{folder}' was left out: it is a copy of '{seen[origin]}'")
            continue
        seen[origin] = folder
        left_out += gathered.left_out
        if gathered.replaced:
            warnings.append(f"'{folder}': {gathered.replaced} points left out, a later start of the run replaced them")
        name = folder.relative_to(top).as_posix() if folder != top else folder.absolute().name
        yield ForeignRun(run=_run(gathered, name, files, origin), points=gathered.points, group=name)
    if left_out:
        kinds = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in sorted(left_out.items()))
        warnings.append(f"left out, since only numbers and short texts are taken: {kinds}")


def _gather(files: Sequence[Path], progress: Progress, warnings: list[str]) -> EventRun:
    gathered = EventRun()
    for place in files:
        malformed = 0
        for record in read_records(place, warnings):
            progress.advance(len(record))
            try:
                gathered.add(record)
            except (FormatError, OverflowError):
                malformed += 1
        if malformed:
            warnings.append(f"'{place}': {malformed} record{'' if malformed == 1 else 's'} left out, no event")
    return gathered


def _run(gathered: EventRun, name: str, files: Sequence[Path], origin: str) -> Run:
    writer = _WRITER.search(files[0].name)
    return Run(
        id="",
        name=name,
        status=gathered.status,
        author=Person("unknown", ""),
        started=round((gathered.first_time or 0) * 1000),
        ended=None if gathered.status == "running" else round((gathered.last_time or 0) * 1000),
        offset=0,
        params=gathered.params,
        tags=gathered.tags,
        environment={"host": writer[1]} if writer else {},
        origin=origin,
    )
