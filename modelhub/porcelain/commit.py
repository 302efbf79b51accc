"""Record a version of the folder and the facts about it."""

from __future__ import annotations

import contextlib
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelhub.catalog.facts import Facts
from modelhub.catalog.ingest import catch_up
from modelhub.errors import InvalidInputError, LintFailed, StateError
from modelhub.porcelain.identity import code_state
from modelhub.porcelain.recording import Recorded, Recorder
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import read_manifest
from modelhub.repository.index import write_index
from modelhub.repository.lint import Finding, lint_files
from modelhub.repository.names import check_siblings
from modelhub.repository.objects import Commit, Derivation, Manifest, ParamValue, metric_value
from modelhub.repository.obstacles import PathsBelow, displaced
from modelhub.repository.repository import Act, Repository, put
from modelhub.repository.revision import Place, resolve_place
from modelhub.repository.status import FileChange, compare_files, load_index
from modelhub.repository.trees import Files, find_entry, read_files, write_tree

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

RELATIONS = (
    "fine-tune", "warm-start", "adapter", "quantize", "distill", "merge", "convert", "slice", "uses", "trained-on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeriveSpec:
    """A declared parent: `REV` or `REV:PATH`, and how the new version came from it."""

    source: str
    relation: str = "fine-tune"


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """What a person says about a version: hyperparameters, metrics, and what it was made from."""

    params: Mapping[str, ParamValue] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    derive: tuple[DeriveSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The new commit. Sizes in bytes: of the files recorded now, and of what the store grew by."""

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


NO_FACTS = CommitFacts()


def commit(
    repo: Repository,
    *,
    act: Act,
    message: str,
    facts: CommitFacts = NO_FACTS,
    paths: Sequence[str] = (),
    strict: bool = False,
    allow_empty: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> CommitResult:
    """Record a version: what is staged, or with nothing staged every change in the folder, or just the given paths.

    What is staged of other paths stays staged.

    All is durable when it returns. Raises StateError where there is nothing to record, LintFailed where `strict`
    and the weights have warnings; then nothing was changed.
    """
    _check(message, facts)
    with contextlib.ExitStack() as stack:
        stack.enter_context(repo.writing(waiting=waiting))
        writer = stack.enter_context(repo.store.writer())
        sources = [(spec, resolve_place(repo, spec.source)) for spec in facts.derive]
        recorded = _record(repo, writer, paths, sources, progress)
        entries = load_index(repo).entries if recorded is None else recorded.entries
        refs = repo.refs
        before = read_files(repo, repo.commit_tree(refs.head_commit))
        files = {path: entry.entry() for path, entry in entries.items()}
        if paths:
            files = _only_below(paths, files, before)
        changes = compare_files(before, files)
        if not changes and not allow_empty and not facts.metrics and not facts.params:
            raise StateError("nothing to commit: the folder is as the last commit has it")
        known = Facts(repo, recorded.facts if recorded else ())
        stack.callback(known.close)
        findings = lint_files(writer.read, files, before, known.statistics_of)
        if strict:
            _refuse_warnings(findings)
        check_siblings(files)
        tree = write_tree(writer, files)
        made = _build(repo, act, tree, message, facts=facts, derivations=_derivations(repo, sources, changes))
        oid = put(writer, made)
        published = repo.record(
            act, refs.advanced(oid), writer=writer, prepare=lambda: write_index(repo.layout, dict(entries))
        )
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
        warnings=recorded.warnings if recorded else (),
    )


def _check(message: str, facts: CommitFacts) -> None:
    if not message.strip():
        raise InvalidInputError("the message is empty", hint="say what changed: mh commit -m 'longer training'")
    for spec in facts.derive:
        if spec.relation not in RELATIONS:
            raise InvalidInputError(f"'{spec.relation}' is no relation", hint="one of: " + ", ".join(RELATIONS))
    for name in (*facts.params, *facts.metrics):
        if not name or name != name.strip():
            raise InvalidInputError(f"'{name}' cannot be the name of a param or metric")
    for name, value in facts.params.items():
        if not _is_recordable(value):
            raise InvalidInputError(
                f"the param '{name}' is {str(value)[:40]}, which cannot be recorded as a number",
                hint="give it as text",
            )
    for text in (
        message,
        *facts.params,
        *facts.metrics,
        *(item for item in facts.params.values() if isinstance(item, str)),
    ):
        _check_text(text)


def _is_recordable(value: ParamValue) -> bool:
    """Numbers must be finite and fit into 64 bits, as in JSON and SQL."""
    if isinstance(value, int):
        return abs(value) < 1 << 63
    return not isinstance(value, float) or math.isfinite(value)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"{text[:40]!r} is not valid Unicode text", hint="write it anew in UTF-8") from None


def _record(
    repo: Repository,
    writer: ObjectWriter,
    paths: Sequence[str],
    sources: Sequence[tuple[DeriveSpec, Place]],
    progress: Progress,
) -> Recorded | None:
    """Record the given paths; without paths everything, but nothing where something is staged already."""
    if not paths and _anything_staged(repo):
        return None
    declared = [manifest for _, place in sources for manifest in _manifests_at(repo, place)]
    return Recorder(repo, writer, progress, declared).record(list(paths) or None)


def _only_below(places: Sequence[str], files: Files, before: Files) -> Files:
    """Take what lies below the places from the index, everything else from the last commit."""
    taken, replaced = PathsBelow(files), PathsBelow(before)
    chosen = {path: files[path] for place in places for path in taken.of(place)}
    kept = before.keys() - {path for place in places for path in replaced.of(place)}
    return {path: before[path] for path in kept - displaced(chosen, kept)} | chosen


def _anything_staged(repo: Repository) -> bool:
    entries = load_index(repo).entries
    before = read_files(repo, repo.commit_tree(repo.refs.head_commit))
    return entries.keys() != before.keys() or any(not entries[path].same_content(before[path]) for path in before)


def _manifests_at(repo: Repository, place: Place) -> list[Manifest]:
    tree = repo.get(place.commit, Commit).tree
    entries = [find_entry(repo, tree, place.path)] if place.path else list(read_files(repo, tree).values())
    manifests = [read_manifest(repo, entry) for entry in entries if entry.mode != "tree"]
    return [manifest for manifest in manifests if manifest is not None]


def _derivations(
    repo: Repository, sources: Sequence[tuple[DeriveSpec, Place]], changes: Sequence[FileChange]
) -> tuple[Derivation, ...]:
    """A parent that is one file is the parent of the one model file that changed, where there is just one."""
    models = [change.path for change in changes if change.kind in ("added", "modified", "renamed")]
    made = []
    for spec, place in sources:
        path = models[0] if place.path and len(models) == 1 else ""
        path = place.path if place.path in models and place.path else path
        made.append(Derivation(path, spec.relation, place.commit, place.path or ""))
    return tuple(made)


def _build(
    repo: Repository,
    act: Act,
    tree: str,
    message: str,
    *,
    facts: CommitFacts,
    derivations: tuple[Derivation, ...],
    further_parents: tuple[str, ...] = (),
) -> Commit:
    parent = repo.refs.head_commit
    return Commit(
        tree=tree,
        parents=(() if parent is None else (parent,)) + further_parents,
        author=act.author,
        time=act.time,
        offset=act.offset,
        message=message.strip("\n"),
        params=dict(facts.params),
        metrics={name: metric_value(float(value)) for name, value in facts.metrics.items()},
        derivations=derivations,
        code=code_state(repo.layout.root),
        environment=environment(),
    )


def environment() -> dict[str, str]:
    """Return what is recorded of the machine: Python's version, the system and the host."""
    return {"python": platform.python_version(), "system": platform.platform(), "host": platform.node()}


def _refuse_warnings(findings: Sequence[Finding]) -> None:
    warnings = [f"'{item.path}': {item.message}" for item in findings if item.severity == "warning"]
    if warnings:
        raise LintFailed(
            f"the weights have {len(warnings)} warning{'s' if len(warnings) > 1 else ''}: {'; '.join(warnings[:3])}",
            findings=tuple(warnings),
            hint="leave --strict away to commit them all the same",
        )
