"""A training run as a training loop logs it."""

from __future__ import annotations

from pathlib import Path

from contracts.project import ADA, START_MS

from modelhub.repository.layout import Layout
from modelhub.runs.folder import LOG
from modelhub.runs.live import LiveRun
from modelhub.runs.liveness import this_process
from modelhub.runs.notes import End, Owner, Start
from modelhub.runs.pending import PendingRun, list_pending

FIRST = "00000000000000a1"
GONE = Owner(pid=4_000_000_000, host="elsewhere", machine="another")
"""A process that does not live, on a machine that has been silent."""


def start(run_id: str = FIRST, **facts: object) -> Start:
    said = {"name": "train", "author": ADA, "time": START_MS, "offset": 60, "owner": this_process(), **facts}
    return Start(id=run_id, **said)  # type: ignore[arg-type]


def begin(layout: Layout, run_id: str = FIRST, **facts: object) -> LiveRun:
    return LiveRun.begin(layout, start(run_id, **facts))


def finished(layout: Layout, run_id: str = FIRST, *, points: int = 3, **facts: object) -> PendingRun:
    """Log a short run to its end."""
    run = begin(layout, run_id, **facts)
    for step in range(points):
        run.points(step, START_MS + 1000 * step, {"loss": 1 / (step + 1), "lr": 0.1})
    run.note(End(START_MS + 1000 * points, "finished", 0))
    run.close()
    return pending(layout, run_id)


def pending(layout: Layout, run_id: str = FIRST) -> PendingRun:
    (found,) = [run for run in list_pending(layout) if run.id == run_id]
    return found


def log_of(layout: Layout, run_id: str = FIRST) -> Path:
    return layout.runs / run_id / LOG
