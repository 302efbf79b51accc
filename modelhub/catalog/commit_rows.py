"""Turn commits, trees and manifests into rows of the catalog."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from modelhub.catalog import rows
from modelhub.catalog.facts import Facts, add_tensor, unknown_fact
from modelhub.errors import FormatError, ModelHubError, ObjectNotFound
from modelhub.repository.lint import Finding, lint_files
from modelhub.repository.objects import (
    Commit,
    Entry,
    Manifest,
    MetricValue,
    ParamValue,
    T,
    TensorSegment,
    Tree,
    ViewRecord,
)  # fmt: skip
from modelhub.repository.repository import Repository
from modelhub.repository.trees import read_files


class CommitIngest:
    """Adds commits with all that hangs on them. The caller holds the transaction."""

    def __init__(self, repository: Repository, connection: sqlite3.Connection, facts: Facts) -> None:
        self.repository = repository
        self._connection = connection
        self._facts = facts
        self._settled: set[str] = set()

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

    def store_rows(self, oids: Iterable[str]) -> None:
        """Set how these objects are stored now."""
        found = []
        for oid in oids:
            try:
                info = self.repository.store.info(oid)
            except ModelHubError:
                continue
            base = None if info.base is None else self._no(info.base)
            found.append((self._no(oid), info.stored_nbytes, base, info.depth, ",".join(info.codecs)))
        rows.put_storage(self._connection, found)

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
            commit.offset, commit.message, *code,
        )  # fmt: skip
        rows.add_commits(self._connection, [row])
        rows.add_parents(self._connection, [(number, position, parent) for position, parent in enumerate(parents)])
        rows.add_params(self._connection, [(number, name, *_param(value)) for name, value in commit.params.items()])
        rows.add_metrics(self._connection, [(number, name, _metric(value)) for name, value in commit.metrics.items()])
        rows.add_derivations(
            self._connection,
            [(number, item.path, item.relation, self._no(item.source_commit), item.source_path, int(item.declared))
             for item in commit.derivations],
        )  # fmt: skip
        self._add_tree(number, "", commit.tree)
        self._add_lint(number, oid, commit)

    def _add_tree(self, commit_no: int, path: str, tree: str) -> None:
        tree_no = self._no(tree)
        rows.add_directories(self._connection, [(commit_no, path, tree_no)])
        found = self._read(tree, Tree)
        entries = {} if found is None else found.entries
        for name, entry in entries.items():
            if entry.mode == "tree":
                self._add_tree(commit_no, f"{path}/{name}" if path else name, entry.oid)
        if not rows.has_tree(self._connection, tree_no):
            rows.add_entries(self._connection, list(self._entry_rows(tree_no, entries)))

    def _entry_rows(
        self, tree_no: int, entries: dict[str, Entry]
    ) -> Iterator[tuple[int, str, str, int, int, int | None]]:
        for name, entry in entries.items():
            if entry.mode == "tree":
                continue
            manifest_no = None if entry.manifest is None else self._add_manifest(entry.manifest)
            yield tree_no, name, entry.mode, entry.size, self._no(entry.oid), manifest_no

    def _add_manifest(self, oid: str) -> int | None:
        number = self._no(oid)
        if rows.has_manifest(self._connection, number):
            return number
        manifest = self._read(oid, Manifest)
        if manifest is None:
            return None
        tensors = manifest.tensors()
        tensor_nos = [self._add_tensor(segment) for segment in tensors]
        found = [
            (
                number,
                position,
                segment.name,
                segment.dtype,
                _shape(segment.shape),
                math.prod(segment.shape),
                segment.nbytes,
                0,
                tensor_no,
            )
            for position, (segment, tensor_no) in enumerate(zip(tensors, tensor_nos, strict=True))
        ]
        found += [
            (number, len(tensors) + position, view.name, view.dtype, _shape(view.shape), math.prod(view.shape),
             _view_nbytes(view, tensors[view.segment]), 1, tensor_nos[view.segment])
            for position, view in enumerate(manifest.views)
        ]  # fmt: skip
        rows.add_manifest_tensors(self._connection, found)
        self.store_rows(dict.fromkeys(segment.oid for segment in tensors))
        row = (number, manifest.format, manifest.size, self._no(manifest.file), len(tensors), manifest.problem)
        rows.add_manifests(self._connection, [row])
        return number

    def _add_tensor(self, segment: TensorSegment) -> int:
        known = rows.known_tensor_no(self._connection, self._no(segment.oid), segment.dtype)
        if known is not None:
            return known
        try:
            fact = self._facts.fact(segment.oid, segment.dtype)
        except (ObjectNotFound, FormatError):
            fact = unknown_fact(segment.oid, segment.dtype, segment.nbytes)
        return add_tensor(self._connection, fact)

    def _add_lint(self, commit_no: int, oid: str, commit: Commit) -> None:
        findings = self._facts.findings.get(oid)
        if findings is None:
            findings = self._lint(commit)
        rows.add_lint(
            self._connection,
            [(commit_no, item.path, item.tensor, item.code, item.severity, item.message) for item in findings],
        )

    def _lint(self, commit: Commit) -> list[Finding]:
        try:
            parent = self._read(commit.parents[0], Commit) if commit.parents else None
            before = {} if parent is None else read_files(self.repository, parent.tree)
            after = read_files(self.repository, commit.tree)
            return lint_files(self.repository.store.read, after, before, self._facts.statistics_of)
        except ModelHubError:
            return []


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _view_nbytes(view: ViewRecord, segment: TensorSegment) -> int:
    elements = math.prod(segment.shape)
    return math.prod(view.shape) * segment.nbytes // elements if elements else 0


def _param(value: ParamValue) -> tuple[str | None, float | None]:
    """The text and, for a number, the number."""
    if value is None or isinstance(value, str):
        return value, None
    return msgspec.json.encode(value).decode(), float(value)


def _metric(value: MetricValue) -> float:
    return float(value)
