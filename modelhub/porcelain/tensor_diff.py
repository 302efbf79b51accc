"""Compare the tensors of one file on two sides."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from modelhub.oid import Bytes
from modelhub.porcelain.sides import Side
from modelhub.progress import Progress
from modelhub.repository.objects import Manifest, TensorSegment
from modelhub.repository.status import FileChange

if TYPE_CHECKING:
    from modelhub.weights.difference import TensorDifference

TensorChange = Literal["changed", "added", "removed", "dtype", "shape"]


@dataclass(frozen=True, slots=True)
class TensorDiff:
    """One tensor that differs. The numbers are those of `weights.difference`; None where nothing can be compared."""

    path: str
    name: str
    change: TensorChange
    dtype_before: str | None
    dtype_after: str | None
    shape_before: tuple[int, ...] | None
    shape_after: tuple[int, ...] | None
    elements: int
    relative: float | None = None
    cosine: float | None = None
    largest: float | None = None
    changed: float | None = None
    new_nans: int | None = None
    new_infs: int | None = None
    norm_before: float | None = None
    norm_after: float | None = None


@dataclass(frozen=True, slots=True)
class FileTensors:
    """What became of one file's tensors."""

    tensors: tuple[TensorDiff, ...]
    unchanged: int
    notes: tuple[str, ...] = ()


NOTHING = FileTensors((), 0)


def diff_tensors(left: Side, right: Side, change: FileChange, progress: Progress) -> FileTensors:
    """Compare the tensors of a changed file by name; equal ones are told by their ids and not read."""
    old_path = change.old_path or change.path
    before = left.manifest(old_path) if old_path in left.files else None
    after = right.manifest(change.path) if change.path in right.files else None
    if change.kind == "renamed" or (before is None and after is None):
        return NOTHING
    problems = tuple(item.problem for item in (before, after) if item is not None and item.problem)
    old, new = _segments(before), _segments(after)
    if not old or not new:
        return FileTensors((), 0, problems)
    found = []
    unchanged = 0
    for name in [*old, *(name for name in new if name not in old)]:
        one, other = old.get(name), new.get(name)
        if one is not None and other is not None and _same(one, other):
            unchanged += 1
            continue
        pair = _Pair(left, right, old_path, change.path)
        found.append(pair.compare(name, one, other))
        progress.advance(1)
    return FileTensors(tuple(found), unchanged, problems)


def _segments(manifest: Manifest | None) -> dict[str, TensorSegment]:
    return {} if manifest is None else {segment.name: segment for segment in manifest.tensors()}


def _same(one: TensorSegment, other: TensorSegment) -> bool:
    return (one.oid, one.dtype, one.shape, one.strides) == (other.oid, other.dtype, other.shape, other.strides)


@dataclass(frozen=True, slots=True)
class _Pair:
    left: Side
    right: Side
    old_path: str
    path: str

    def compare(self, name: str, one: TensorSegment | None, other: TensorSegment | None) -> TensorDiff:
        numbers = None
        if one is not None and other is not None and one.shape == other.shape and one.strides == other.strides:
            numbers = self._numbers(one, other)
        shape = (other or one).shape  # type: ignore[union-attr]
        return TensorDiff(
            path=self.path,
            name=name,
            change=_kind(one, other),
            dtype_before=None if one is None else one.dtype,
            dtype_after=None if other is None else other.dtype,
            shape_before=None if one is None else one.shape,
            shape_after=None if other is None else other.shape,
            elements=math.prod(shape),
            relative=numbers.relative if numbers else None,
            cosine=numbers.cosine if numbers else None,
            largest=numbers.largest if numbers else None,
            changed=numbers.changed if numbers else None,
            new_nans=numbers.new_nans if numbers else None,
            new_infs=numbers.new_infs if numbers else None,
            norm_before=numbers.norm_before if numbers else None,
            norm_after=numbers.norm_after if numbers else None,
        )

    def _numbers(self, one: TensorSegment, other: TensorSegment) -> TensorDifference | None:
        from modelhub.weights.difference import combine_differences, compare, partial_difference
        from modelhub.weights.summary import is_numeric

        if not (is_numeric(one.dtype) and is_numeric(other.dtype)):
            return None
        before, after = self.left.blocks(self.old_path, one), self.right.blocks(self.path, other)
        if one.dtype != other.dtype:
            return compare(before, after, one.dtype, other.dtype)
        with ThreadPoolExecutor(2) as pool:
            waiting = []
            partials = []
            for pair in _pairs(before, after):
                waiting.append(pool.submit(partial_difference, *pair, one.dtype, other.dtype))
                if len(waiting) > 3:
                    partials.append(waiting.pop(0).result())
            partials += [future.result() for future in waiting]
        return combine_differences(partials)


def _pairs(before: Iterator[Bytes], after: Iterator[Bytes]) -> Iterator[tuple[Bytes, Bytes]]:
    return zip(before, after, strict=True)


def _kind(one: TensorSegment | None, other: TensorSegment | None) -> TensorChange:
    if one is None:
        return "added"
    if other is None:
        return "removed"
    if one.shape != other.shape:
        return "shape"
    return "dtype" if one.dtype != other.dtype else "changed"
