"""How the metrics of versions went while they were trained: a few values of each series, for lines of small bars."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from modelhub.porcelain.curve_points import drawable, thinned
from modelhub.porcelain.find_run import find_run
from modelhub.repository.objects import Commit
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.runs.points import Columns

MOST_VALUES = 64


def courses(repo: Repository, *, commit: str, names: Collection[str]) -> dict[str, tuple[float, ...]]:
    """Return the course of each of these metrics in the runs that a commit took in; of several runs the last counts."""
    from modelhub.runs.pending import read_sealed
    from modelhub.runs.points import PointsReader, series_columns

    found: dict[str, tuple[float, ...]] = {}
    for oid in repo.get(commit, Commit).runs:
        run = read_sealed(repo, oid)
        if run.points is None:
            continue
        reader = PointsReader(repo.store.open(run.points).read)
        found |= _drawn({item.name: series_columns(reader, item) for item in run.series if item.name in names})
    return found


def run_courses(repo: Repository, *, run: str, names: Collection[str]) -> dict[str, tuple[float, ...]]:
    """Return the course of each of these metrics in a run, by its id. Raises NotFoundError."""
    points = find_run(repo, run).points(repo)
    return _drawn({name: points[name] for name in names if name in points})


def _drawn(points: Mapping[str, Columns]) -> dict[str, tuple[float, ...]]:
    found = {}
    for name, (steps, _, values) in points.items():
        found[name] = tuple(thinned(steps, drawable(values), MOST_VALUES)[1].tolist())
    return {name: values for name, values in found.items() if len(values) > 1}
