"""Put runs that another tool recorded into the history: sealed, with their files, in one new commit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from modelhub.importers.foreign_files import FileRecorder, ForeignFile
from modelhub.importers.gathered_points import GatheredPoints
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import Commit, Run, Usage
from modelhub.repository.repository import Act, Repository, put
from modelhub.repository.trees import write_tree
from modelhub.repository.walk import ancestors

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

MOST_NAMED = 3


@dataclass(slots=True)
class ForeignRun:
    """A run as another tool tells it: `run` has everything but the points and the files.

    `files` are read from the disk, `texts` are small contents that are no files there, by the path they get as inputs.
    """

    run: Run
    points: GatheredPoints
    group: str = ""
    files: Sequence[ForeignFile] = ()
    texts: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedRuns:
    """What an import took in. `commit` is None where nothing was new, and in a dry run.

    `new` and `updated` are the ids of runs; points, models (files with tensors), files and bytes are those of them.
    """

    commit: str | None
    branch: str | None
    message: str
    new: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: int
    points: int
    models: int
    files: int
    raw_nbytes: int
    stored_nbytes: int
    dry_run: bool
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Taken:
    """What was taken in so far."""

    oids: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    groups: dict[str, None] = field(default_factory=dict)
    unchanged: int = 0
    points: int = 0
    models: int = 0
    files: int = 0
    raw_nbytes: int = 0


def run_id(origin: str) -> str:
    """Return the id of the run that came from this origin."""
    return blake3(origin.encode()).hexdigest()[:16]


def take_in(
    repo: Repository,
    *,
    act: Act,
    tool: str,
    runs: Iterable[ForeignRun],
    warnings: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ImportedRuns:
    """Seal runs and record the ones that no version has yet in one new commit on the present branch.

    The tree stays as it is. `warnings` is read at the end: reading the runs may add to it. All is durable when this
    returns; killed before, nothing has happened.
    """
    from modelhub.catalog.facts import Facts
    from modelhub.catalog.ingest import catch_up

    with contextlib.ExitStack() as stack:
        stack.enter_context(repo.writing(waiting=waiting))
        writer = stack.enter_context(repo.store.writer())
        progress.start("importing", None)
        recorder = stack.enter_context(contextlib.closing(FileRecorder(repo, writer, progress)))
        taken = _seal_all(repo, writer, recorder, runs)
        message = _message(tool, taken)
        commit, stored = None, 0
        if taken.oids and not dry_run:
            refs = repo.refs
            commit = put(writer, _commit(repo, writer, act, message, taken.oids))
            stored = repo.record(act, refs.advanced(commit), writer=writer).stored_nbytes
            _no_longer_pending(repo, {*taken.new, *taken.updated})
            known = Facts(repo, recorder.facts)
            stack.callback(known.close)
            catch_up(repo, known)
    return ImportedRuns(
        commit=commit,
        branch=repo.refs.branch,
        message=message,
        new=tuple(taken.new),
        updated=tuple(taken.updated),
        unchanged=taken.unchanged,
        points=taken.points,
        models=taken.models,
        files=taken.files,
        raw_nbytes=taken.raw_nbytes,
        stored_nbytes=stored,
        dry_run=dry_run,
        warnings=(*warnings, *recorder.warnings),
    )


def _seal_all(repo: Repository, writer: ObjectWriter, recorder: FileRecorder, runs: Iterable[ForeignRun]) -> _Taken:
    known = _known_runs(repo)
    ids = {repo.get(oid, Run).id for oid in known}
    taken = _Taken()
    for foreign in runs:
        oid, run = _seal(writer, recorder, foreign)
        if oid in known:
            taken.unchanged += 1
            continue
        (taken.updated if run.id in ids else taken.new).append(run.id)
        taken.oids.append(oid)
        taken.groups[foreign.group] = None
        taken.points += len(foreign.points)
        taken.files += len(run.outputs)
        taken.models += sum(recorder.has_tensors(usage) for usage in run.outputs)
        taken.raw_nbytes += sum(usage.size for usage in run.outputs)
    return taken


def _known_runs(repo: Repository) -> frozenset[str]:
    """Return every run that a version has which a branch, a tag or HEAD leads to."""
    return frozenset(oid for _, commit in ancestors(repo, *repo.refs.held()) for oid in commit.runs)


def _no_longer_pending(repo: Repository, ids: Set[str]) -> None:
    """Runs whose import was undone are pending until a version takes them in again."""
    from modelhub.runs.pending import list_pending
    from modelhub.runs.seal import discard

    for pending in list_pending(repo.layout):
        if pending.id in ids:
            discard(repo.layout, pending)


def _seal(writer: ObjectWriter, recorder: FileRecorder, foreign: ForeignRun) -> tuple[str, Run]:
    from modelhub.runs.seal import seal_imported

    inputs: list[Usage] = []
    outputs: list[Usage] = []
    for file in foreign.files:
        usage = recorder.record(file)
        if usage is not None:
            (inputs if file.is_input else outputs).append(usage)
    for path, content in foreign.texts.items():
        inputs.append(Usage(path=path, oid=writer.put(content), size=len(content)))
    run = msgspec.structs.replace(
        foreign.run, inputs=tuple(_by_path(inputs)), outputs=tuple(_by_path(outputs)), id=run_id(foreign.run.origin)
    )
    return seal_imported(writer, run, foreign.points.columns()), run


def _by_path(usages: list[Usage]) -> Iterator[Usage]:
    yield from sorted(usages, key=lambda usage: usage.path)


def _message(tool: str, taken: _Taken) -> str:
    count = len(taken.oids)
    groups = sorted(filter(None, taken.groups))
    named = ", ".join(groups[:MOST_NAMED]) + (
        f" and {len(groups) - MOST_NAMED} more" if len(groups) > MOST_NAMED else ""
    )
    return f"import {count} run{'' if count == 1 else 's'} from {tool}" + (f": {named}" if named else "")


def _commit(repo: Repository, writer: ObjectWriter, act: Act, message: str, runs: Sequence[str]) -> Commit:
    parent = repo.refs.head_commit
    return Commit(
        tree=repo.commit_tree(parent) or write_tree(writer, {}),
        parents=() if parent is None else (parent,),
        author=act.author,
        time=act.time,
        offset=act.offset,
        message=message,
        runs=tuple(runs),
    )
