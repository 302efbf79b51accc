"""Record a version of the folder and the facts about it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.catalog.facts import Facts
from modelhub.catalog.ingest import catch_up
from modelhub.errors import LintFailed, StateError
from modelhub.porcelain.commit_facts import NO_FACTS, CommitFacts, DeriveSpec, check_facts, evaluation_of
from modelhub.porcelain.environment import environment, packages
from modelhub.porcelain.found_facts import find_facts
from modelhub.porcelain.git import record_code
from modelhub.porcelain.parentage import Recording, found_parents
from modelhub.porcelain.places import version_place
from modelhub.porcelain.recording import Recorded, Recorder
from modelhub.porcelain.taken_runs import settle, take_in, with_facts
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import read_manifest
from modelhub.repository.index import write_index
from modelhub.repository.lint import Finding, lint_files
from modelhub.repository.names import check_siblings
from modelhub.repository.objects import Commit, Derivation, Manifest, metric_value
from modelhub.repository.obstacles import PathsBelow, displaced
from modelhub.repository.repository import Act, Repository, put
from modelhub.repository.revision import Place
from modelhub.repository.status import FileChange, compare_files, load_index
from modelhub.repository.trees import Files, find_entry, read_files, write_tree

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter


class CommitResult(Struct, frozen=True):
    """The new commit. Sizes in bytes: of the files recorded now, and of what the store grew by.

    `runs` are the ids of the runs that the version took in, `derivations` the parents that were declared or found.
    """

    commit: str
    branch: str | None
    parents: tuple[str, ...]
    message: str
    changes: tuple[FileChange, ...]
    raw_nbytes: int
    stored_nbytes: int
    tensors_new: int
    tensors_shared: int
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    runs: tuple[str, ...] = ()
    derivations: tuple[Derivation, ...] = ()


def commit(
    repo: Repository,
    *,
    act: Act,
    message: str,
    facts: CommitFacts = NO_FACTS,
    paths: Sequence[str] = (),
    strict: bool = False,
    allow_empty: bool = False,
    find_parents: bool = True,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> CommitResult:
    """Record a version: what is staged, or with nothing staged every change in the folder, or just the given paths.

    What is staged of other paths stays staged. `find_parents`: new model files are compared with those of the history.

    All is durable when it returns. Raises StateError where there is nothing to record, LintFailed where `strict`
    and the weights have warnings; then nothing was changed.
    """
    check_facts(message, facts)
    with contextlib.ExitStack() as stack:
        stack.enter_context(repo.writing(waiting=waiting))
        writer = stack.enter_context(repo.store.writer())
        sources = [(spec, version_place(repo, spec.source)) for spec in facts.derive]
        refs = repo.refs
        before = read_files(repo, repo.commit_tree(refs.head_commit))
        is_staged = not paths and _anything_staged(repo, before)
        recorded = None if is_staged else _record(repo, writer, paths, sources, progress)
        entries = load_index(repo).entries if recorded is None else recorded.entries
        files = {path: entry.entry() for path, entry in entries.items()}
        if paths:
            files = _only_below(paths, files, before)
        changes = compare_files(before, files)
        taken = take_in(repo, writer, facts.run)
        if not (changes or allow_empty or facts.metrics or facts.params or taken.runs):
            raise StateError("nothing to commit: the folder is as the last commit has it")
        found = find_facts(files, before, writer.read)
        known = Facts(repo, recorded.facts if recorded else ())
        stack.callback(known.close)
        findings = lint_files(writer.read, files, before, known.statistics_of)
        if strict:
            _refuse_warnings(findings)
        check_siblings(files)
        tree = write_tree(writer, files)
        declared = (*_derivations(sources, changes, files), *taken.derivations())
        derivations = tuple(dict.fromkeys(declared))
        learned = recorded.facts if recorded else ()
        recording = Recording(files, before, changes, derivations, learned, writer.read)
        derivations += found_parents(repo, recording=recording, search=find_parents)
        made = _build(repo, writer, act, tree, message, facts=facts, derivations=derivations)
        made = with_facts(made, found, taken, evaluation_of(writer, files, facts))
        oid = put(writer, made)
        published = repo.record(
            act, refs.advanced(oid), writer=writer, prepare=lambda: write_index(repo.layout, dict(entries))
        )
        settle(repo, taken)
        known.findings[oid] = findings
        catch_up(repo, known)
    return CommitResult(
        commit=oid,
        branch=refs.branch,
        parents=made.parents,
        message=message,
        changes=tuple(changes),
        raw_nbytes=recorded.raw_nbytes if recorded else 0,
        stored_nbytes=published.stored_nbytes,
        tensors_new=len(recorded.facts) if recorded else 0,
        tensors_shared=recorded.tensors_shared if recorded else 0,
        findings=tuple(findings),
        warnings=(*(recorded.warnings if recorded else ()), *found.warnings, *taken.warnings()),
        runs=tuple(run.id for run in taken.runs.values()),
        derivations=made.derivations,
    )


def _record(
    repo: Repository,
    writer: ObjectWriter,
    paths: Sequence[str],
    sources: Sequence[tuple[DeriveSpec, Place]],
    progress: Progress,
) -> Recorded:
    """Record the given paths, or without paths everything."""
    declared = [manifest for _, place in sources for manifest in _manifests_at(repo, place)]
    return Recorder(repo, writer, progress, declared).record(list(paths) or None)


def _only_below(places: Sequence[str], files: Files, before: Files) -> Files:
    """Take what lies below the places from the index, everything else from the last commit."""
    taken, replaced = PathsBelow(files), PathsBelow(before)
    chosen = {path: files[path] for place in places for path in taken.of(place)}
    kept = before.keys() - {path for place in places for path in replaced.of(place)}
    return {path: before[path] for path in kept - displaced(chosen, kept)} | chosen


def _anything_staged(repo: Repository, before: Files) -> bool:
    entries = load_index(repo).entries
    return entries.keys() != before.keys() or any(not entries[path].same_content(before[path]) for path in before)


def _manifests_at(repo: Repository, place: Place) -> list[Manifest]:
    tree = repo.get(place.commit, Commit).tree
    entries = [find_entry(repo, tree, place.path)] if place.path else list(read_files(repo, tree).values())
    manifests = [read_manifest(repo, entry) for entry in entries if entry.mode != "tree"]
    return [manifest for manifest in manifests if manifest is not None]


def _derivations(
    sources: Sequence[tuple[DeriveSpec, Place]], changes: Sequence[FileChange], files: Files
) -> tuple[Derivation, ...]:
    """A parent that is one file is the parent of the one model file (else the one file) that changed."""
    changed = [change.path for change in changes if change.kind in ("added", "modified", "renamed")]
    models = [path for path in changed if files[path].manifest is not None] or changed
    made = []
    for spec, place in sources:
        path = models[0] if place.path and len(models) == 1 else ""
        path = place.path if place.path in models and place.path else path
        made.append(Derivation(path, spec.relation, place.commit, place.path or ""))
    return tuple(made)


def _build(
    repo: Repository,
    writer: ObjectWriter,
    act: Act,
    tree: str,
    message: str,
    *,
    facts: CommitFacts,
    derivations: tuple[Derivation, ...],
) -> Commit:
    parent = repo.refs.head_commit
    return Commit(
        tree=tree,
        parents=() if parent is None else (parent,),
        author=act.author,
        time=act.time,
        offset=act.offset,
        message=message.strip("\n"),
        params=dict(facts.params),
        metrics={name: metric_value(float(value)) for name, value in facts.metrics.items()},
        derivations=derivations,
        code=record_code(writer, repo.layout.root),
        environment=environment(),
        packages=writer.put(packages()),
    )


def _refuse_warnings(findings: Sequence[Finding]) -> None:
    warnings = [f"'{item.path}': {item.message}" for item in findings if item.severity == "warning"]
    if warnings:
        raise LintFailed(
            f"the weights have {len(warnings)} warning{'s' if len(warnings) > 1 else ''}: {'; '.join(warnings[:3])}",
            findings=tuple(warnings),
            hint="leave --strict away to commit them all the same",
        )
