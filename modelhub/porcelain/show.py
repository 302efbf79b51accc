"""One commit with everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.catalog.findings import read_findings
from modelhub.catalog.history import LogEntry, read_log
from modelhub.catalog.opening import open_current_with
from modelhub.catalog.revisions import resolve
from modelhub.repository.lint import Finding
from modelhub.repository.objects import CodeState, Commit, Derivation, Evaluation, Run, RunStatus
from modelhub.repository.progressive import is_progressive
from modelhub.repository.repository import Repository
from modelhub.repository.status import FileChange, compare_files
from modelhub.repository.trees import read_files


@dataclass(frozen=True, slots=True)
class ShownRun:
    """One run in short: `mh runs ID` has the rest. `ended` is None where that is not known; unix milliseconds UTC."""

    id: str
    name: str
    status: RunStatus
    started: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class ShowResult:
    """A commit, where it came from, and what it changed against its first parent.

    `packages` is the id of the blob that lists the installed packages, `evaluations` says what metrics were measured
    on, `runs` are those the version took in, `progressive`: repacking keeps its planes separate.
    """

    entry: LogEntry
    derivations: tuple[Derivation, ...]
    code: CodeState | None
    environment: dict[str, str]
    changes: tuple[FileChange, ...]
    findings: tuple[Finding, ...]
    packages: str | None
    evaluations: dict[str, Evaluation]
    runs: tuple[ShownRun, ...]
    progressive: bool


def show(repo: Repository, *, revision: str = "HEAD") -> ShowResult:
    """Return all there is about one commit. Raises RefNotFound."""
    oid = resolve(repo, revision)
    commit = repo.get(oid, Commit)
    parent = commit.parents[0] if commit.parents else None
    with open_current_with(repo, oid) as connection:
        entry = next(read_log(connection, [oid], limit=1))
        findings = read_findings(connection, oid)
    before, after = read_files(repo, repo.commit_tree(parent)), read_files(repo, commit.tree)
    return ShowResult(
        entry=entry,
        derivations=commit.derivations,
        code=commit.code,
        environment=commit.environment,
        changes=tuple(compare_files(before, after)),
        findings=tuple(findings),
        packages=commit.packages,
        evaluations=commit.evaluations,
        runs=tuple(_run(repo.get(oid, Run)) for oid in commit.runs),
        progressive=is_progressive(repo, oid),
    )


def _run(run: Run) -> ShownRun:
    return ShownRun(run.id, run.name, run.status, run.started, run.ended)
