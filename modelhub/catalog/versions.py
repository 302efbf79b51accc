"""Read single versions with their params and metrics from the catalog, and rank versions by a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from modelhub.catalog.history import read_metrics, read_params

Value = str | float | None


@dataclass(frozen=True, slots=True)
class Version:
    """One commit. `time` is unix milliseconds UTC; params and metrics are in the order of their names."""

    commit: str
    summary: str
    time: int
    params: Mapping[str, Value]
    metrics: Mapping[str, float]


def read_version(connection: Connection, commit: str) -> Version:
    """Return a commit that the catalog has. Cost: independent of the length of the history."""
    number, summary, time = connection.execute(
        "select c.no, c.summary, c.time from mh_commits c join mh_oids o on o.no = c.no where o.oid = ?", (commit,)
    ).fetchone()
    params, metrics = read_params(connection, f"= {number}"), read_metrics(connection, f"= {number}")
    return Version(commit, summary, time, params.get(number, {}), metrics.get(number, {}))


def metric_names(connection: Connection) -> list[str]:
    """Return every metric that a version has."""
    return [name for (name,) in connection.execute("select distinct name from mh_metrics order by 1")]


def count_measured(connection: Connection, metric: str) -> int:
    """Return how many versions have a metric."""
    count: int = connection.execute("select count(*) from mh_metrics where name = ?", (metric,)).fetchone()[0]
    return count


def ranked(connection: Connection, metric: str, *, lowest: bool, limit: int) -> list[str]:
    """Return the commits that have a metric, best first: of equal ones the newest, those where it is NaN last."""
    rows = connection.execute(
        "select o.oid from mh_metrics m join mh_commits c on c.no = m.commit_no join mh_oids o on o.no = c.no"
        " where m.name = ? order by m.value is null, case when ? then m.value else -m.value end, c.time desc, c.no desc"
        " limit ?",
        (metric, lowest, limit),
    )
    return [oid for (oid,) in rows]
