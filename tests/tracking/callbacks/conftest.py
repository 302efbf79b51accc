"""What the callbacks recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from contracts.project import Project

from modelhub.repository.objects import Run
from modelhub.runs.pending import list_pending, pending_points, read_pending

Series = dict[str, list[tuple[int, float]]]


@pytest.fixture
def recorded(project: Project) -> Callable[[], list[Run]]:
    """Return the runs that no version has taken in, in the order they began."""

    def read() -> list[Run]:
        found = [read_pending(project.repo, item) for item in list_pending(project.repo.layout)]
        return sorted(found, key=lambda run: run.started)

    return read


@pytest.fixture
def series(project: Project) -> Callable[[str], Series]:
    """Return the points of a run: steps and values by metric."""

    def read(run_id: str) -> Series:
        points = pending_points(project.repo, run_id)
        return {
            name: list(zip(steps.tolist(), values.tolist(), strict=True)) for name, (steps, _, values) in points.items()
        }

    return read
