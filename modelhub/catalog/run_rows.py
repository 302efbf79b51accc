"""Turn runs into rows of the catalog: those that versions took in, and those still pending."""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
from collections.abc import Iterator, Mapping

import msgspec

from modelhub.catalog import rows, run_tables
from modelhub.catalog.goals import guess_goal
from modelhub.errors import ModelHubError
from modelhub.repository.objects import Commit, MetricValue, ParamValue, Run, Series, Usage
from modelhub.repository.repository import Repository


class RunIngest:
    """Adds runs with all that hangs on them but their lineage. The caller holds the transaction."""

    def __init__(self, repository: Repository, connection: sqlite3.Connection) -> None:
        self._repository = repository
        self._connection = connection

    def add_taken(self, oid: str, run: Run) -> int:
        """Add a run that a version took in, if it is not there; return its number."""
        object_no = self._no(oid)
        known = run_tables.known_run_no(self._connection, object_no)
        return self._add(run, object_no, pending=False) if known is None else known

    def add_pending(self, run: Run, oid: str | None) -> int:
        """Add a run that no version has taken in; `oid` is its object where it has one."""
        return self._add(run, None if oid is None else self._no(oid), pending=True)

    def add_environment(
        self, owner_no: int, environment: Mapping[str, str], packages: str | None, *, run: bool
    ) -> None:
        """Add the environment of a commit or run, if anything is known of it."""
        if not environment and packages is None:
            return
        packages_no = self._maybe_no(packages)
        gpu = environment.get("gpus") or environment.get("gpu")
        facts = (environment.get("python"), environment.get("system"), environment.get("host"), gpu, packages_no)
        run_tables.add_environments(self._connection, [(int(run), owner_no, *facts)])
        if packages is None or packages_no is None or run_tables.has_packages(self._connection, packages_no):
            return
        with contextlib.suppress(ModelHubError):
            lines = self._repository.store.read(packages).decode("utf-8", "replace").splitlines()
            pairs = (line.partition("==") for line in lines if line.strip())
            run_tables.add_packages(self._connection, [(packages_no, name, version) for name, _, version in pairs])

    def _add(self, run: Run, object_no: int | None, *, pending: bool) -> int:
        number = run_tables.add_run(self._connection, (run.id, object_no, int(pending), *self._facts(run)))
        run_tables.add_run_params(
            self._connection, [(number, name, *param_columns(value)) for name, value in run.params.items()]
        )
        run_tables.add_run_tags(self._connection, [(number, name, value) for name, value in run.tags.items()])
        run_tables.add_series(self._connection, [self._series(number, run, series) for series in run.series])
        run_tables.add_usages(self._connection, list(self._usages(number, run)))
        self.add_environment(number, run.environment, run.packages, run=True)
        return number

    def _facts(self, run: Run) -> tuple[object, ...]:
        code = (None, None, None)
        if run.code is not None:
            code = (run.code.commit, int(run.code.dirty), self._maybe_no(run.code.diff))  # type: ignore[assignment]
        return (
            run.name, run.status, run.author.name, run.author.email, run.started, run.ended, shlex.join(run.command),
            run.exit_code, sum(series.points for series in run.series), *code, self._maybe_no(run.head),
            self._maybe_no(run.tree), run.replays, run.origin, self._maybe_no(run.points), self._maybe_no(run.stdout),
            self._maybe_no(run.stderr),
        )  # fmt: skip

    def _series(self, run_no: int, run: Run, series: Series) -> tuple[object, ...]:
        goal = run.goals.get(series.name) or guess_goal(series.name)
        low, high = _number(series.minimum), _number(series.maximum)
        best = (low, series.minimum_step) if goal == "min" else (high, series.maximum_step)
        measured = evaluation_columns(self._connection, run, series.name)
        return (
            run_no, series.name, series.points, *series.columns, series.first_step, series.last_step,
            _number(series.last), low, series.minimum_step, high, series.maximum_step, *best, goal, series.nans,
            *measured,
        )  # fmt: skip

    def _usages(self, run_no: int, run: Run) -> Iterator[tuple[object, ...]]:
        usages: list[tuple[int, Usage]] = [(0, usage) for usage in run.inputs] + [(1, usage) for usage in run.outputs]
        for position, (is_output, usage) in enumerate(usages):
            source = (self._maybe_no(usage.source_commit or None), usage.source_path if usage.source_commit else None)
            facts = (usage.path, self._no(usage.oid), usage.size, int(usage.kept))
            yield run_no, position, is_output, *facts, *source, usage.step

    def _no(self, oid: str) -> int:
        return rows.oid_no(self._connection, oid)

    def _maybe_no(self, oid: str | None) -> int | None:
        return None if oid is None else self._no(oid)


def evaluation_columns(
    connection: sqlite3.Connection, measured: Run | Commit, metric: str
) -> tuple[int | None, str | None, int | None]:
    """Return (data_no, data path, code_no) of a metric of a run or commit; all None where nothing is declared."""
    found = measured.evaluations.get(metric)
    if found is None:
        return None, None, None
    code = None if found.code is None else rows.oid_no(connection, found.code)
    return rows.oid_no(connection, found.data), found.data_path, code


def param_columns(value: ParamValue) -> tuple[str | None, float | None]:
    """Return a param's text and, for a number, the number."""
    if value is None or isinstance(value, str):
        return value, None
    return msgspec.json.encode(value).decode(), float(value)


def _number(value: MetricValue | None) -> float | None:
    return None if value is None else float(value)
