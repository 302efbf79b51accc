"""Read single versions with their params and metrics from the catalog, and rank versions by a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

import msgspec

from modelhub.catalog.history import read_metrics, read_params

Value = str | float | None


@dataclass(frozen=True, slots=True)
class Data:
    """What metrics were measured on: the id of a file or folder, and where it lay."""

    oid: str
    path: str

    def __str__(self) -> str:
        return f"{self.path or 'data'} ({self.oid[:10]})"


@dataclass(frozen=True, slots=True)
class Version:
    """One commit. `time` is unix milliseconds UTC; params and metrics are in the order of their names.

    `measured_on` has the metrics of which that was declared.
    """

    commit: str
    summary: str
    time: int
    params: Mapping[str, Value]
    metrics: Mapping[str, float]
    measured_on: Mapping[str, Data]


@dataclass(frozen=True, slots=True)
class RankedRun:
    """One run and the best value of a metric. `started` is unix milliseconds UTC; `commit` took it in first, if any."""

    run: str
    name: str
    value: float
    step: int | None
    started: int
    commit: str | None
    params: Mapping[str, Value]
    data: Data | None


def read_version(connection: Connection, commit: str) -> Version:
    """Return a commit that the catalog has. Cost: independent of the length of the history."""
    number, summary, time = connection.execute(
        "select c.no, c.summary, c.time from mh_commits c join mh_oids o on o.no = c.no where o.oid = ?", (commit,)
    ).fetchone()
    params, metrics = read_params(connection, f"= {number}"), read_metrics(connection, f"= {number}")
    measured = connection.execute(
        "select m.name, o.oid, m.data_path from mh_metrics m join mh_oids o on o.no = m.data_no where m.commit_no = ?",
        (number,),
    )
    measured_on = {name: Data(oid, path) for name, oid, path in measured}
    return Version(commit, summary, time, params.get(number, {}), metrics.get(number, {}), measured_on)


def metric_names(connection: Connection, *, runs: bool = False) -> list[str]:
    """Return every metric that a version has, or a run."""
    table = "mh_series" if runs else "mh_metrics"
    return [name for (name,) in connection.execute(f"select distinct name from {table} order by 1")]  # noqa: S608


def count_measured(
    connection: Connection, metric: str, *, runs: bool = False, data: str | None = None, replays: bool = False
) -> int:
    """Return how many versions (or runs, maybe `replays` too) have a metric, measured on `data` if given (an id)."""
    query = f"select count(*) {_MEASURED[runs]}"
    asked = {"metric": metric, "data": data, "replays": replays}
    count: int = connection.execute(query, asked).fetchone()[0]
    return count


def data_sets(
    connection: Connection, metric: str, *, runs: bool = False, replays: bool = False
) -> list[tuple[Data | None, int]]:
    """Return what a metric of versions (or runs) was measured on, and how many each; None: they do not say."""
    query = f"select o.oid, min(m.data_path), count(*) {_MEASURED[runs]} group by o.oid order by 3 desc, 1"
    found = connection.execute(query, {"metric": metric, "data": None, "replays": replays})
    return [(None if oid is None else Data(oid, path), count) for oid, path, count in found]


def ranked(
    connection: Connection, metric: str, *, lowest: bool, limit: int, data: str | None = None
) -> list[tuple[str, float]]:
    """Return the commits that have a metric and its value, best first: of equal ones the newest, NaN last."""
    order = f"{_ORDER.format('m.value')}, c.time desc, c.no desc"
    rows = connection.execute(
        f"select i.oid, m.value {_MEASURED[False]} order by {order} limit :limit",
        {"metric": metric, "lowest": lowest, "limit": limit, "data": data},
    )
    return [(oid, math.nan if value is None else value) for oid, value in rows]


def ranked_runs(
    connection: Connection, metric: str, *, lowest: bool, limit: int, data: str | None = None, replays: bool = False
) -> list[RankedRun]:
    """Return the runs that have a metric by its best value, best first; those where it is NaN throughout last."""
    side = "minimum" if lowest else "maximum"
    query = (
        f"select r.no, r.run_id, r.name, m.{side}, m.{side}_step, r.started, o.oid, m.data_path,"  # noqa: S608
        " (select k.oid from mh_commit_runs t join mh_commits c on c.no = t.commit_no join mh_oids k on k.no = c.no"
        "   where t.run_no = r.no order by c.generation, c.time, k.oid limit 1)"
        f" {_MEASURED[True]} order by {_ORDER.format(f'm.{side}')}, r.started desc, r.run_id limit :limit"
    )
    asked = {"metric": metric, "lowest": lowest, "limit": limit, "data": data, "replays": replays}
    rows = connection.execute(query, asked).fetchall()
    return [
        RankedRun(
            run=run, name=name, value=math.nan if value is None else value, step=step, started=started, commit=commit,
            params=_run_params(connection, no), data=None if data_oid is None else Data(data_oid, path),
        )
        for no, run, name, value, step, started, data_oid, path, commit in rows
    ]  # fmt: skip


def run_goal(connection: Connection, metric: str) -> str:
    """Return whether low (`min`) or high (`max`) values of a runs' metric are good, by what most runs say."""
    query = "select goal from mh_series where name = ? group by goal order by count(*) desc, goal limit 1"
    row = connection.execute(query, (metric,)).fetchone()
    return "max" if row is None else str(row[0])


def _run_params(connection: Connection, run_no: int) -> dict[str, Value]:
    query = "select name, value, number from mh_run_params where run_no = ? order by 1"
    return {
        name: value if number is None else msgspec.json.decode(value)
        for name, value, number in connection.execute(query, (run_no,))
    }


_MEASURED = {
    False: (
        "from mh_metrics m join mh_commits c on c.no = m.commit_no join mh_oids i on i.no = c.no"
        " left join mh_oids o on o.no = m.data_no where m.name = :metric and (:data is null or o.oid = :data)"
    ),
    True: (
        "from mh_series m join mh_runs r on r.no = m.run_no and not r.is_replaced and (:replays or r.replays is null)"
        " left join mh_oids o on o.no = m.data_no where m.name = :metric and (:data is null or o.oid = :data)"
    ),
}
_ORDER = "{0} is null, case when :lowest then {0} else -{0} end"
