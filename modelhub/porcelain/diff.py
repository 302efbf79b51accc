"""What changed between two versions: files, facts and, tensor by tensor, how far the weights moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modelhub.catalog.revisions import resolve
from modelhub.errors import InvalidInputError
from modelhub.porcelain.places import find_file
from modelhub.porcelain.sides import FolderSide, Side, VersionSide, commit_side, index_side
from modelhub.porcelain.tensor_diff import TensorDiff, diff_tensors
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import MetricValue, ParamValue
from modelhub.repository.repository import Repository
from modelhub.repository.status import FileChange, compare_files

FileKind = Literal["added", "modified", "deleted", "renamed", "mode"]
Value = ParamValue | MetricValue


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed file with its sizes in bytes (None where it is not there)."""

    kind: FileKind
    path: str
    old_path: str | None
    size_before: int | None
    size_after: int | None


@dataclass(frozen=True, slots=True)
class ValueDiff:
    """A param or metric on both sides; None where it is not recorded."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class DiffResult:
    """All that changed from one side to the other; the ids are None where a side is no commit.

    `tensors` come in order of movement; `unchanged_tensors` counts equal ones in changed files.
    """

    before: str
    after: str
    before_id: str | None
    after_id: str | None
    files: tuple[FileDiff, ...]
    params: tuple[ValueDiff, ...]
    metrics: tuple[ValueDiff, ...]
    tensors: tuple[TensorDiff, ...]
    unchanged_tensors: int
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Neither a file nor a param nor a metric differs."""
        return not (self.files or self.params or self.metrics)


def diff(
    repo: Repository,
    *,
    before: str | None = None,
    after: str | None = None,
    staged: bool = False,
    paths: Sequence[str] = (),
    tensors: bool = True,
    progress: Progress = SILENT,
) -> DiffResult:
    """Compare two revisions, a revision (default: the index) with the folder, or `staged`: a revision with the index.

    Both `before` and `after` may be `REV:PATH` or `RUN:PATH`: then the two files are compared, whatever their names.
    """
    left, right = _sides(repo, before, after, staged=staged)
    changes = [change for change in compare_files(left.files, right.files) if _wanted(change, paths)]
    found: list[TensorDiff] = []
    unchanged = 0
    notes: list[str] = []
    if tensors:
        progress.start("comparing tensors", None, "tensors")
        for change in changes:
            part = diff_tensors(left, right, change, progress)
            found += part.tensors
            unchanged += part.unchanged
            notes += part.notes
    old, new = left.commit(), right.commit()
    both = old is not None and new is not None
    return DiffResult(
        before=left.label,
        after=right.label,
        before_id=left.commit_id,
        after_id=right.commit_id,
        files=tuple(_file_diff(left, right, change) for change in changes),
        params=tuple(_values(old.params, new.params)) if both and old and new else (),
        metrics=tuple(_values(old.metrics, new.metrics)) if both and old and new else (),
        tensors=tuple(sorted(found, key=_movement)),
        unchanged_tensors=unchanged,
        notes=tuple(notes),
    )


def _sides(repo: Repository, before: str | None, after: str | None, *, staged: bool) -> tuple[Side, Side]:
    if before is not None and after is not None:
        if staged:
            raise InvalidInputError("two revisions leave no room for the index", hint="leave --staged away")
        if ":" in before and ":" in after:
            return _file_side(repo, before, after), _file_side(repo, after, after)
        return commit_side(repo, before, resolve(repo, before)), commit_side(repo, after, resolve(repo, after))
    if staged:
        commit = repo.refs.head_commit if before is None else resolve(repo, before)
        return commit_side(repo, before or "HEAD", commit), index_side(repo)
    left = index_side(repo) if before is None else commit_side(repo, before, resolve(repo, before))
    return left, FolderSide(repo)


def _file_side(repo: Repository, text: str, name: str) -> VersionSide:
    """One file of a version or a run, under one name for both sides."""
    if text.endswith(":"):
        raise InvalidInputError(f"'{text}' names no file", hint="write REV:PATH on both sides, or on neither")
    return VersionSide(repo, text, {name.partition(":")[2]: find_file(repo, text)})


def _wanted(change: FileChange, paths: Sequence[str]) -> bool:
    names = (change.path, change.old_path or change.path)
    return not paths or any(path in ("", name) or name.startswith(path + "/") for path in paths for name in names)


def _file_diff(left: Side, right: Side, change: FileChange) -> FileDiff:
    before, after = left.files.get(change.old_path or change.path), right.files.get(change.path)
    return FileDiff(
        kind=change.kind,
        path=change.path,
        old_path=change.old_path,
        size_before=None if before is None else before.size,
        size_after=None if after is None else after.size,
    )


def _values(before: Mapping[str, Value], after: Mapping[str, Value]) -> Iterator[ValueDiff]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield ValueDiff(name, before.get(name), after.get(name))


def _movement(tensor: TensorDiff) -> tuple[float, str, str]:
    """Changes that have no number (added, removed, another shape) come first, then the largest relative change."""
    if tensor.change in ("added", "removed", "shape"):
        return (-math.inf, tensor.path, tensor.name)
    moved = math.inf if tensor.relative is None else tensor.relative
    return (-moved, tensor.path, tensor.name)
