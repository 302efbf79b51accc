"""Params and metrics of several versions or runs side by side."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelhub.catalog.opening import open_current_with
from modelhub.catalog.versions import Data, Value, Version, read_version
from modelhub.errors import InvalidInputError
from modelhub.porcelain.find_run import FoundRun
from modelhub.porcelain.places import Located, locate
from modelhub.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class ComparedVersion:
    """One version: the revision as it was asked for and the commit that it names.

    Of a `run` (its id, else empty) `commit` took it in, empty for none; the summary is its name, the time its start.
    """

    revision: str
    commit: str
    summary: str
    time: int
    run: str = ""


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A `param` or `metric` and its value in each version, None where it is not recorded."""

    kind: str
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class CompareResult:
    """The versions as asked for and the rows, params first, each in the order of names; `equal` counts rows left out.

    Which value of a metric is better is not known, so none is marked. `across_data` names the metrics that were
    measured on different data, so that their values do not compare.
    """

    versions: tuple[ComparedVersion, ...]
    rows: tuple[ComparedValue, ...]
    equal: int
    across_data: tuple[str, ...] = ()


def compare(repo: Repository, *, revisions: Sequence[str], every: bool = False) -> CompareResult:
    """Return the params and metrics in which two or more versions or runs differ, with `every` also those they share.

    The metrics of a run are the last it logged. Raises RefNotFound, InvalidInputError for a single revision.
    """
    if len(revisions) < 2:
        raise InvalidInputError("two versions or more are needed to compare", hint="'mh show REV' shows one")
    found = [_locate(repo, revision) for revision in revisions]
    versions = [_read(repo, item) for item in found]
    rows = [
        *_rows("param", [version.params for version in versions]),
        *_rows("metric", [version.metrics for version in versions]),
    ]
    shown = [row for row in rows if every or differs(row.values)]
    named = tuple(
        ComparedVersion(item.text, version.commit, version.summary, version.time, item.run.run.id if item.run else "")
        for item, version in zip(found, versions, strict=True)
    )
    return CompareResult(named, tuple(shown), len(rows) - len(shown), tuple(_across_data(versions)))


def differs(values: Sequence[Value]) -> bool:
    """Tell whether values are not all the same: NaN is as NaN, a number is not as a text or a truth value."""
    return len({_sameness(value) for value in values}) > 1


def _sameness(value: Value) -> tuple[str, Value]:
    if isinstance(value, float) and value != value:
        return "nan", None
    return ("truth" if isinstance(value, bool) else "", value)


def _across_data(versions: Sequence[Version]) -> Iterator[str]:
    for name in sorted({name for version in versions for name in version.measured_on}):
        if len({version.measured_on[name].oid for version in versions if name in version.measured_on}) > 1:
            yield name


def _locate(repo: Repository, text: str) -> Located:
    found = locate(repo, text)
    if ":" in text or found.step is not None:
        raise InvalidInputError(f"'{text}' is a part of one", hint="versions and runs are compared as a whole")
    return found


def _read(repo: Repository, found: Located) -> Version:
    if found.run is not None:
        return _run_as_version(found.run)
    with open_current_with(repo, found.commit) as connection:
        return read_version(connection, found.commit)


def _run_as_version(found: FoundRun) -> Version:
    run = found.run
    return Version(
        commit=found.commit or "",
        summary=run.name or shlex.join(run.command),
        time=run.started,
        params=dict(run.params),
        metrics={series.name: float(series.last) for series in run.series},
        measured_on={name: Data(item.data, item.data_path) for name, item in run.evaluations.items()},
    )


def _rows(kind: str, found: Sequence[Mapping[str, Value]]) -> Iterator[ComparedValue]:
    for name in sorted({name for values in found for name in values}):
        yield ComparedValue(kind, name, tuple(values.get(name) for values in found))
