"""List training runs, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub.catalog.asking import ask
from modelhub.repository.objects import RunStatus
from modelhub.repository.repository import Repository

TIMEOUT_S = 60.0

_LISTED = """
select run_id, name, status, started, ended, duration_s, command, exit_code, points, commit_id, replays, origin
from runs where (:status is null or status = :status) and (not :pending or commit_id is null)
  and (:replays or replays is null)
order by started desc, run_id limit :most
"""
_METRICS = """
select m.run_id, m.name, m.last, m.best, m.goal
from run_metrics m
join (
  select run_id from runs where (:status is null or status = :status) and (not :pending or commit_id is null)
    and (:replays or replays is null)
  order by started desc, run_id limit :most
) r on r.run_id = m.run_id
order by m.run_id, m.name
"""
_LEFT_OUT = """
select count(*) from runs where (:status is null or status = :status) and (not :pending or commit_id is null)
  and not :replays and replays is not null
"""


@dataclass(frozen=True, slots=True)
class LastValue:
    """The last and the best value of a metric; None where that was NaN. `goal` says what is best."""

    last: float | None
    best: float | None
    goal: str


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run. `started` and `ended` are ISO 8601 in UTC; `commit` is the first version that took it in."""

    run: str
    name: str
    status: RunStatus
    started: str
    ended: str | None
    duration_s: float | None
    command: str
    exit_code: int | None
    points: int
    commit: str | None
    replays: str | None
    origin: str
    metrics: Mapping[str, LastValue]


@dataclass(frozen=True, slots=True)
class RunsResult:
    """The runs asked for; `more` tells that there are others. `replays` counts those left out."""

    runs: tuple[ListedRun, ...]
    more: bool
    replays: int = 0


def runs(
    repo: Repository,
    *,
    limit: int | None = None,
    status: RunStatus | None = None,
    pending: bool = False,
    replays: bool = False,
) -> RunsResult:
    """Return the newest runs with their metrics, with `replays` those too.

    `pending`: only those that no version has taken in.
    """
    params: dict[str, Any] = {
        "status": status, "pending": int(pending), "replays": int(replays), "most": -1 if limit is None else limit + 1
    }  # fmt: skip
    listed = ask(repo, _LISTED, params=params, limit_rows=None, timeout_s=TIMEOUT_S).dicts()
    metrics: dict[object, dict[str, LastValue]] = {}
    for row in ask(repo, _METRICS, params=params, limit_rows=None, timeout_s=TIMEOUT_S).dicts():
        values: dict[str, Any] = dict(row)
        value = LastValue(values["last"], values["best"], values["goal"])
        metrics.setdefault(row["run_id"], {})[values["name"]] = value
    shown = listed if limit is None else listed[:limit]
    left_out = {name: params[name] for name in ("status", "pending", "replays")}
    ((hidden,),) = ask(repo, _LEFT_OUT, params=left_out, limit_rows=None, timeout_s=TIMEOUT_S).rows()
    found = tuple(_listed(dict(row), metrics) for row in shown)
    return RunsResult(found, more=len(shown) < len(listed), replays=int(str(hidden)))


def _listed(row: dict[str, Any], metrics: Mapping[object, Mapping[str, LastValue]]) -> ListedRun:
    run = row.pop("run_id")
    return ListedRun(run=run, commit=row.pop("commit_id"), metrics=metrics.get(run, {}), **row)
