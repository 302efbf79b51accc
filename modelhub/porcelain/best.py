"""The versions or runs with the best values of a metric, as far as they were measured on the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.opening import open_current
from modelhub.catalog.versions import (
    Data,
    RankedRun,
    Value,
    count_measured,
    data_sets,
    metric_names,
    ranked,
    ranked_runs,
    read_version,
    run_goal,
)
from modelhub.errors import NotFoundError, StateError
from modelhub.porcelain.compare import differs
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.catalog.opening import Connection

MOST_VERSIONS = 10


@dataclass(frozen=True, slots=True)
class RankedVersion:
    """One version and its value of the metric; `params` are those that differ among the versions listed.

    `data` is what the metric was measured on, None where that was not declared.
    """

    commit: str
    value: float
    summary: str
    time: int
    params: Mapping[str, Value]
    data: Data | None


@dataclass(frozen=True, slots=True)
class BestResult:
    """The best versions first; `params` names what differs among them, `measured` counts all that have the metric.

    `data` counts what they were measured on, None those that do not say.
    """

    metric: str
    lowest: bool
    params: tuple[str, ...]
    versions: tuple[RankedVersion, ...]
    measured: int
    data: tuple[tuple[Data | None, int], ...]


@dataclass(frozen=True, slots=True)
class BestRunsResult:
    """The best runs first, else as `BestResult`."""

    metric: str
    lowest: bool
    params: tuple[str, ...]
    runs: tuple[RankedRun, ...]
    measured: int
    data: tuple[tuple[Data | None, int], ...]


def best(
    repo: Repository,
    *,
    metric: str,
    lowest: bool = False,
    limit: int = MOST_VERSIONS,
    data: str | None = None,
    across_data: bool = False,
) -> BestResult:
    """Return the versions held by refs with the highest values of a metric, or with `lowest` the lowest; NaN is last.

    `data` keeps those measured on one file or folder (its path, or the beginning of its id). Raises NotFoundError where
    no version has the metric, StateError where it was measured on different data, unless `across_data`.
    """
    with open_current(repo) as connection:
        chosen, sets = _comparable(connection, metric, data, runs=False, across_data=across_data)
        oids = ranked(connection, metric, lowest=lowest, limit=limit, data=chosen)
        versions = [read_version(connection, oid) for oid, _ in oids]
        measured = count_measured(connection, metric, data=chosen)
    params = _differing([version.params for version in versions])
    rows = tuple(
        RankedVersion(
            version.commit,
            version.metrics[metric],
            version.summary,
            version.time,
            {name: version.params[name] for name in params if name in version.params},
            version.measured_on.get(metric),
        )
        for version in versions
    )
    return BestResult(metric, lowest, params, rows, measured, sets)


def best_runs(
    repo: Repository,
    *,
    metric: str,
    lowest: bool | None = None,
    limit: int = MOST_VERSIONS,
    data: str | None = None,
    across_data: bool = False,
    replays: bool = False,
) -> BestRunsResult:
    """Return the runs with the best values of a metric, pending ones too; `lowest` None: as the runs' goal says.

    Replays take no part unless asked for: they repeat a result. Raises as `best`.
    """
    with open_current(repo) as connection:
        chosen, sets = _comparable(connection, metric, data, runs=True, across_data=across_data, replays=replays)
        down = run_goal(connection, metric) == "min" if lowest is None else lowest
        runs = tuple(ranked_runs(connection, metric, lowest=down, limit=limit, data=chosen, replays=replays))
        measured = count_measured(connection, metric, runs=True, data=chosen, replays=replays)
    return BestRunsResult(metric, down, _differing([run.params for run in runs]), runs, measured, sets)


def _comparable(
    connection: Connection, metric: str, data: str | None, *, runs: bool, across_data: bool, replays: bool = False
) -> tuple[str | None, tuple[tuple[Data | None, int], ...]]:
    """Return the data to keep to (None: all), and what there is."""
    sets = data_sets(connection, metric, runs=runs, replays=replays)
    if not sets:
        raise _unknown(connection, metric, runs=runs)
    declared = [found for found, _ in sets if found is not None]
    if data is not None:
        return _chosen(metric, data, declared), tuple(sets)
    if len(declared) > 1 and not across_data:
        shown = ", ".join(f"{found} {count}" for found, count in sets[:5] if found is not None)
        raise StateError(
            f"'{metric}' was measured on {len(declared)} different data sets, which do not compare: {shown}",
            hint=f"--data {_name(declared[0], declared)} keeps to one, --across-data ranks all",
        )
    return None, tuple(sets)


def _chosen(metric: str, data: str, declared: Sequence[Data]) -> str:
    found = [item for item in declared if data == item.path or (len(data) >= 4 and item.oid.startswith(data))]
    if not found:
        known = ", ".join(map(str, declared[:5]))
        raise NotFoundError(
            f"'{metric}' was nowhere measured on '{data}'",
            hint=f"it was on: {known}" if known else "none says what it was measured on",
        )
    if len(found) > 1:
        raise StateError(
            f"'{data}' was {len(found)} different data sets",
            hint=f"name one by its id: {' or '.join(f'--data {_name(item, declared)}' for item in found[:5])}",
        )
    return found[0].oid


def _name(data: Data, declared: Sequence[Data]) -> str:
    """Return what stands for one data set in a command: its path, where no other lay there too, else its id."""
    import shlex

    is_alone = data.path and [item.path for item in declared].count(data.path) == 1
    return shlex.quote(data.path) if is_alone else data.oid[:10]


def _differing(found: Sequence[Mapping[str, Value]]) -> tuple[str, ...]:
    names = sorted({name for params in found for name in params})
    return tuple(name for name in names if differs([params.get(name) for params in found]))


def _unknown(connection: Connection, metric: str, *, runs: bool) -> NotFoundError:
    import difflib

    known = metric_names(connection, runs=runs)
    near = difflib.get_close_matches(metric, known, n=1)
    if runs and metric in known:
        hint = "only replays have it: --replays ranks them too"
    elif metric in metric_names(connection, runs=not runs):
        hint = "versions have it: ask without --runs" if runs else "training runs have it: --runs ranks those"
    elif near:
        hint = f"did you mean '{near[0]}'?"
    elif known:
        hint = f"the metrics here: {', '.join(known[:5])}{', …' if len(known) > 5 else ''}"
    elif runs:
        hint = "a training run logs them: mh.run() in Python"
    else:
        hint = "'mh commit --metric NAME=VALUE' records one"
    return NotFoundError(f"no {'run' if runs else 'version'} has a metric '{metric}'", hint=hint)
