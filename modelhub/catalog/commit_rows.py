"""Turn commits into rows of the catalog, with all that hangs on them."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from modelhub.catalog import rows, run_tables
from modelhub.catalog.facts import Facts, read_statistics
from modelhub.catalog.lineage_rows import LineageIngest
from modelhub.catalog.manifest_rows import ManifestIngest
from modelhub.catalog.run_rows import RunIngest, evaluation_columns, param_columns
from modelhub.catalog.storage_rows import StorageIngest
from modelhub.catalog.tree_rows import TreeIngest
from modelhub.errors import FormatError, ModelHubError, ObjectNotFound
from modelhub.repository.known_trees import KnownTrees, VersionFiles
from modelhub.repository.lint import Finding, lint_changed
from modelhub.repository.objects import Commit, Run, T
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.weights.summary import TensorStatistics


class CommitIngest:
    """Adds commits with all that hangs on them. The caller holds the transaction."""

    def __init__(self, repository: Repository, connection: sqlite3.Connection, facts: Facts) -> None:
        self.repository = repository
        self._connection = connection
        self._facts = facts
        self._settled: set[str] = set()
        self._trees = KnownTrees(repository)
        self._storage = StorageIngest(repository, connection)
        manifests = ManifestIngest(repository, connection, facts, self._storage)
        self._folders = TreeIngest(connection, self._trees, manifests, self._storage)
        self._runs = RunIngest(repository, connection)
        self._lineage = LineageIngest(repository, connection)

    def add(self, oid: str) -> None:
        """Add a commit, its ancestors first; those that gc has taken or that are damaged are left out."""
        waiting = [oid]
        while waiting:
            top = waiting[-1]
            commit = None if self._has(top) else self._read(top, Commit)
            if commit is None:
                self._settled.add(top)
                waiting.pop()
                continue
            missing = [parent for parent in commit.parents if parent not in self._settled and not self._has(parent)]
            if missing:
                waiting += missing
            else:
                self._add_one(top, commit)
                waiting.pop()

    def _no(self, oid: str) -> int:
        return rows.oid_no(self._connection, oid)

    def _has(self, oid: str) -> bool:
        number = rows.known_oid_no(self._connection, oid)
        return number is not None and rows.has_commit(self._connection, number)

    def _read(self, oid: str, kind: type[T]) -> T | None:
        """Return an object, None where it is gone or damaged: fsck tells of that, the log must still be readable."""
        try:
            return self.repository.get(oid, kind)
        except (ObjectNotFound, FormatError):
            return None

    def _add_one(self, oid: str, commit: Commit) -> None:
        number = self._no(oid)
        parents = [self._no(parent) for parent in commit.parents]
        code = (None, None, None)
        if commit.code is not None:
            code = (commit.code.commit, commit.code.branch, int(commit.code.dirty))  # type: ignore[assignment]
        generation = rows.generation(self._connection, parents)
        row = (
            number, self._no(commit.tree), generation, commit.author.name, commit.author.email, commit.time,
            commit.offset, commit.message, *code, _metrics_text(commit),
        )  # fmt: skip
        rows.add_commits(self._connection, [row])
        rows.add_parents(self._connection, [(number, position, parent) for position, parent in enumerate(parents)])
        rows.add_params(
            self._connection, [(number, name, *param_columns(value)) for name, value in commit.params.items()]
        )
        rows.add_metrics(
            self._connection,
            [(number, name, float(value), *evaluation_columns(self._connection, commit, name))
             for name, value in commit.metrics.items()],
        )  # fmt: skip
        rows.add_derivations(
            self._connection,
            [(number, item.path, item.relation, self._no(item.source_commit), item.source_path, item.source_name,
              int(item.declared)) for item in commit.derivations],
        )  # fmt: skip
        self._folders.add(number, commit.tree, parents[0] if parents else None)
        run_tables.add_models(self._connection, number, parents[0] if parents else None)
        self._runs.add_environment(number, commit.environment, commit.packages, run=False)
        self._add_lineage(number, oid, commit)
        self._add_lint(number, oid, commit)
        self._storage.add([oid, *([] if commit.packages is None else [commit.packages])])

    def _add_lineage(self, number: int, oid: str, commit: Commit) -> None:
        taken = [(run_oid, self._read(run_oid, Run)) for run_oid in commit.runs]
        found = {run_oid: run for run_oid, run in taken if run is not None}
        for run_oid, run in found.items():
            run_no = self._runs.add_taken(run_oid, run)
            run_tables.add_commit_runs(self._connection, [(number, run_no)])
            self._lineage.add_run(number, oid, run_no, run)
            blobs = (run.points, run.stdout, run.stderr, run.packages)
            self._storage.add([run_oid, *(blob for blob in blobs if blob is not None)])
        self._lineage.add_versions(number)
        self._lineage.add_derivations(number, oid, commit, list(found.values()))

    def _add_lint(self, commit_no: int, oid: str, commit: Commit) -> None:
        findings = self._facts.findings.get(oid)
        if findings is None:
            findings = self._lint(commit)
        rows.add_lint(
            self._connection,
            [(commit_no, item.path, item.tensor, item.code, item.severity, item.message) for item in findings],
        )

    def _statistics_of(self, oid: str, dtype: str) -> TensorStatistics:
        return read_statistics(self._connection, oid, dtype) or self._facts.statistics_of(oid, dtype)

    def _lint(self, commit: Commit) -> list[Finding]:
        try:
            parent = self._read(commit.parents[0], Commit) if commit.parents else None
            changes = self._trees.changed(None if parent is None else parent.tree, commit.tree)
            changed = {
                item.path: item.before
                for item in changes
                if item.after is not None and (item.before is None or item.before.oid != item.after.oid)
            }
            in_order = {path: changed[path] for path in sorted(changed)}
            indexes = sorted(self._trees.shard_indexes(commit.tree))
            files = VersionFiles(self._trees, commit.tree)
            return lint_changed(self.repository.store.read, in_order, files, indexes, self._statistics_of)
        except ModelHubError:
            return []


def _metrics_text(commit: Commit) -> str:
    """The metrics as JSON, sorted; what is no finite number is null."""
    finite = {name: value if math.isfinite(float(value)) else None for name, value in commit.metrics.items()}
    return msgspec.json.encode(finite, order="sorted").decode()
