"""Compare a run with its replay: the files it made, the metrics it logged, what it ran in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from modelhub.porcelain.sides import VersionSide
from modelhub.porcelain.tensor_diff import diff_tensors
from modelhub.progress import SILENT
from modelhub.repository.objects import Entry, Run, Usage
from modelhub.repository.repository import Repository
from modelhub.repository.status import FileChange

if TYPE_CHECKING:
    from modelhub.runs.points import Columns

Verdict = Literal["identical", "differs", "missing", "new"]


@dataclass(frozen=True, slots=True)
class OutputComparison:
    """One file that the run made, and its replay. `relative` and `largest` are of the tensor that moved most.

    `tensors` counts those that differ; None where the file has none or one side is not kept.
    """

    path: str
    step: int | None
    verdict: Verdict
    size_before: int | None
    size_after: int | None
    tensors: int | None = None
    relative: float | None = None
    largest: float | None = None


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric. Where it differs: the first step that does, and the two values (None: not logged there)."""

    name: str
    verdict: Verdict
    points_before: int
    points_after: int
    step: int | None = None
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True)
class SettingComparison:
    """Something of the environment, or a package's version, that is not as it was; None: not there."""

    name: str
    before: str | None
    after: str | None


def compare_outputs(repository: Repository, before: Run, after: Run) -> tuple[OutputComparison, ...]:
    """Compare what two runs made, by path and step."""
    old = {(usage.path, usage.step): usage for usage in before.outputs}
    new = {(usage.path, usage.step): usage for usage in after.outputs}
    keys = [*old, *(key for key in new if key not in old)]
    return tuple(_output(repository, *key, old.get(key), new.get(key)) for key in keys)


def compare_metrics(before: Mapping[str, Columns], after: Mapping[str, Columns]) -> tuple[MetricComparison, ...]:
    """Compare the metrics of two runs, point after point in the order they were logged."""
    names = [*before, *(name for name in after if name not in before)]
    return tuple(_metric(name, before.get(name), after.get(name)) for name in names)


def compare_settings(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[SettingComparison, ...]:
    """Return what differs, by name."""
    names = sorted(before.keys() | after.keys())
    found = (SettingComparison(name, before.get(name), after.get(name)) for name in names)
    return tuple(item for item in found if item.before != item.after)


def parse_packages(blob: bytes) -> dict[str, str]:
    """Return the versions of packages by name."""
    pairs = (line.partition("==") for line in blob.decode("utf-8", "replace").splitlines())
    return {name: version for name, _, version in pairs if name}


def _output(
    repository: Repository, path: str, step: int | None, before: Usage | None, after: Usage | None
) -> OutputComparison:
    if before is None or after is None:
        sizes = (None if before is None else before.size, None if after is None else after.size)
        return OutputComparison(path, step, "missing" if after is None else "new", *sizes)
    if before.oid == after.oid:
        return OutputComparison(path, step, "identical", before.size, after.size)
    sides = [VersionSide(repository, "", {path: _entry(usage)}) for usage in (before, after)]
    if not (before.kept and after.kept and before.manifest and after.manifest):
        return OutputComparison(path, step, "differs", before.size, after.size)
    found = diff_tensors(sides[0], sides[1], FileChange("modified", path), SILENT).tensors
    relative = [item.relative for item in found if item.relative is not None]
    largest = [item.largest for item in found if item.largest is not None]
    return OutputComparison(
        path,
        step,
        "differs",
        before.size,
        after.size,
        tensors=len(found),
        relative=max(relative, default=None),
        largest=max(largest, default=None),
    )


def _entry(usage: Usage) -> Entry:
    return Entry(usage.mode, usage.oid, usage.size, usage.manifest)


def _metric(name: str, before: Columns | None, after: Columns | None) -> MetricComparison:
    import numpy as np

    if before is None or after is None:
        there = before if before is not None else after
        count = 0 if there is None else len(there[0])
        return MetricComparison(
            name, "missing" if after is None else "new", count if before else 0, count if after else 0
        )
    common = min(len(before[0]), len(after[0]))
    equal = (before[0][:common] == after[0][:common]) & (
        (before[2][:common] == after[2][:common]) | (np.isnan(before[2][:common]) & np.isnan(after[2][:common]))
    )
    counts = (len(before[0]), len(after[0]))
    place = common if equal.all() else int(np.argmin(equal))
    if place == common and counts[0] == counts[1]:
        return MetricComparison(name, "identical", *counts)
    longer = before if place < counts[0] else after
    return MetricComparison(
        name,
        "differs",
        *counts,
        step=int(longer[0][place]),
        before=float(before[2][place]) if place < counts[0] else None,
        after=float(after[2][place]) if place < counts[1] else None,
    )
