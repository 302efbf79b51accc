"""The versions with the best values of a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelhub.catalog.opening import open_current
from modelhub.catalog.versions import Value, count_measured, metric_names, ranked, read_version
from modelhub.errors import NotFoundError
from modelhub.porcelain.compare import differs
from modelhub.repository.repository import Repository

MOST_VERSIONS = 10


@dataclass(frozen=True, slots=True)
class RankedVersion:
    """One version and its value of the metric; `params` are those that differ among the versions listed."""

    commit: str
    value: float
    summary: str
    time: int
    params: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class BestResult:
    """The best versions first; `params` names what differs among them, `measured` counts all that have the metric."""

    metric: str
    lowest: bool
    params: tuple[str, ...]
    versions: tuple[RankedVersion, ...]
    measured: int


def best(repo: Repository, *, metric: str, lowest: bool = False, limit: int = MOST_VERSIONS) -> BestResult:
    """Return the versions held by refs with the highest values of a metric, or with `lowest` the lowest; NaN is last.

    Raises NotFoundError where no version has the metric.
    """
    with open_current(repo) as connection:
        measured = count_measured(connection, metric)
        if not measured:
            raise _unknown(metric, metric_names(connection))
        oids = ranked(connection, metric, lowest=lowest, limit=limit)
        versions = [read_version(connection, oid) for oid in oids]
    names = sorted({name for version in versions for name in version.params})
    params = tuple(name for name in names if differs([version.params.get(name) for version in versions]))
    rows = tuple(
        RankedVersion(
            version.commit,
            version.metrics[metric],
            version.summary,
            version.time,
            {name: version.params[name] for name in params if name in version.params},
        )
        for version in versions
    )
    return BestResult(metric, lowest, params, rows, measured)


def _unknown(metric: str, known: Sequence[str]) -> NotFoundError:
    import difflib

    near = difflib.get_close_matches(metric, known, n=1)
    if near:
        hint = f"did you mean '{near[0]}'?"
    elif known:
        hint = f"the metrics here: {', '.join(known[:5])}{', …' if len(known) > 5 else ''}"
    else:
        hint = "'mh commit --metric NAME=VALUE' records one"
    return NotFoundError(f"no version has a metric '{metric}'", hint=hint)
