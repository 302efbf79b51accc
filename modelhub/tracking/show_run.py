"""One run with all that is known of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.porcelain.find_run import FoundRun, find_run
from modelhub.repository.objects import Run, Series
from modelhub.repository.repository import Repository
from modelhub.tracking.replay import why_not_replayable

if TYPE_CHECKING:
    from modelhub.runs.points import Columns

SAMPLES = 40
TAIL_NBYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class ShownSeries:
    """A metric: its summary, and the means of up to 40 stretches of its finite values."""

    summary: Series
    samples: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run, the version that took it in, and the end of what it printed.

    `packages` counts those installed. `not_replayable` says why it cannot be replayed.
    """

    run: Run
    commit: str | None
    series: tuple[ShownSeries, ...]
    packages: int
    stdout: str
    stderr: str
    not_replayable: str | None


def show_run(repository: Repository, prefix: str, *, lines: int = 10) -> ShownRun:
    """Return the run whose id begins so, with the last `lines` lines of its output. Raises as `find_run`."""
    found = find_run(repository, prefix)
    points = found.points(repository)
    run = found.run
    return ShownRun(
        run=run,
        commit=found.commit,
        series=tuple(ShownSeries(series, _samples(points[series.name])) for series in run.series),
        packages=0 if run.packages is None else repository.store.read(run.packages).count(b"\n"),
        stdout=_tail(repository, found, "stdout", lines),
        stderr=_tail(repository, found, "stderr", lines),
        not_replayable=why_not_replayable(run),
    )


def _samples(columns: Columns) -> tuple[float, ...]:
    import numpy as np

    values = columns[2][np.isfinite(columns[2])]
    parts = np.array_split(values, min(SAMPLES, len(values))) if len(values) else []
    return tuple(float(part.mean()) for part in parts)


def _tail(repository: Repository, found: FoundRun, stream: str, lines: int) -> str:
    """Return the last lines; of a line that was written over and over, as progress bars are, what it ended as."""
    text = _last_bytes(repository, found, stream).decode("utf-8", "replace").removesuffix("\n")
    shown = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return "\n".join(shown[-lines:]) if lines else ""


def _last_bytes(repository: Repository, found: FoundRun, stream: str) -> bytes:
    oid = found.run.stdout if stream == "stdout" else found.run.stderr
    if oid is not None:
        stored = repository.store.open(oid)
        start = max(stored.size - TAIL_NBYTES, 0)
        return stored.read(start, stored.size - start)
    if found.pending is None:
        return b""
    return _end_of(found.pending.folder / stream)


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - TAIL_NBYTES, 0))
            return file.read()
    except FileNotFoundError:
        return b""
