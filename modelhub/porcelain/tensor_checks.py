"""Compare two models tensor by tensor, exactly: how each tensor of one stands to the tensor it may come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from modelhub.catalog.facts import Facts
from modelhub.porcelain.model_tensors import ModelTensors
from modelhub.porcelain.tensor_names import match_names
from modelhub.progress import Progress
from modelhub.repository.objects import TensorSegment
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.weights.difference import TensorDifference

CheckStanding = Literal[
    "identical", "near", "far", "unrelated", "unclear", "reshaped", "added", "missing", "unreadable"
]
STANDINGS: tuple[CheckStanding, ...] = (
    "identical", "near", "far", "unrelated", "unclear", "reshaped", "added", "missing", "unreadable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorCheck:
    """One tensor beside the parent's (`other`, None where it has none; `name` None for one that is missing).

    `relative` is the norm of the change over the parent's norm, `correlation` the cosine with both means taken off.
    `is_telling` is False for masks, counters and constants, which are alike in unrelated models too.
    """

    name: str | None
    other: str | None
    standing: CheckStanding
    nbytes: int
    is_telling: bool
    relative: float | None = None
    correlation: float | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tensors, and bytes, have one standing."""

    standing: CheckStanding
    tensors: int
    nbytes: int


class Checker:
    """Compares models of one repository. Each pair of tensors is decoded once, equal ones never."""

    def __init__(self, repo: Repository, sketches: Mapping[str, bytes], facts: Facts, progress: Progress) -> None:
        self._repo = repo
        self._sketches = sketches
        self._facts = facts
        self._progress = progress
        self._known: dict[tuple[str, str], TensorDifference] = {}

    def check(self, child: ModelTensors, parent: ModelTensors) -> tuple[TensorCheck, ...]:
        """Return how every tensor of the child stands to the parent, then what the parent has and the child has not."""
        names = _matched(child, parent)
        found = []
        for name, segment in child.tensors.items():
            other = names.get(name)
            found.append(self._check(name, segment, other, parent.tensors.get(other or "")))
            self._progress.advance(1)
        missing = parent.tensors.keys() - set(names.values())
        return (*found, *(self._missing(name, parent.tensors[name]) for name in parent.tensors if name in missing))

    def _missing(self, name: str, segment: TensorSegment) -> TensorCheck:
        return TensorCheck(None, name, "missing", segment.nbytes, self._is_telling(segment))

    def _check(self, name: str, segment: TensorSegment, other: str | None, source: TensorSegment | None) -> TensorCheck:
        from modelhub.weights.kinship import correlation, standing

        telling = self._is_telling(segment)
        if source is None:
            return TensorCheck(name, None, "added", segment.nbytes, telling)
        if (segment.oid, segment.dtype, segment.shape) == (source.oid, source.dtype, source.shape):
            return TensorCheck(name, other, "identical", segment.nbytes, telling, 0.0, 1.0)
        if segment.shape != source.shape or segment.strides != source.strides:
            return TensorCheck(name, other, "reshaped", segment.nbytes, telling)
        numbers = self._numbers(source, segment)
        if numbers is None:
            return TensorCheck(name, other, "unreadable", segment.nbytes, False)
        together = correlation(
            numbers,
            self._facts.statistics_of(source.oid, source.dtype),
            self._facts.statistics_of(segment.oid, segment.dtype),
        )
        judged = standing(together, numbers.count, numbers.relative)
        return TensorCheck(
            name, other, judged, segment.nbytes, telling and together is not None, numbers.relative, together
        )

    def _numbers(self, source: TensorSegment, segment: TensorSegment) -> TensorDifference | None:
        from modelhub.weights.difference import compare
        from modelhub.weights.summary import is_numeric

        if not (is_numeric(source.dtype) and is_numeric(segment.dtype)):
            return None
        key = (f"{source.oid} {source.dtype}", f"{segment.oid} {segment.dtype}")
        if key not in self._known:
            store = self._repo.store
            self._known[key] = compare(
                store.open(source.oid).blocks(), store.open(segment.oid).blocks(), source.dtype, segment.dtype
            )
        return self._known[key]

    def _is_telling(self, segment: TensorSegment) -> bool:
        from modelhub.weights.kinship import is_telling

        sketch = self._sketches.get(segment.oid)
        return sketch is not None and is_telling(segment.dtype, math.prod(segment.shape), sketch)


def _matched(child: ModelTensors, parent: ModelTensors) -> dict[str, str]:
    """Match by name; what is left by equal bytes, as after a conversion that renames."""
    names = match_names(child.tensors, parent.tensors)
    taken = set(names.values())
    by_oid = {item.oid: name for name, item in parent.tensors.items() if name not in taken}
    for name, item in child.tensors.items():
        if name not in names and item.oid in by_oid:
            names[name] = by_oid[item.oid]
    return names


def tallies(checks: Iterable[TensorCheck]) -> tuple[Tally, ...]:
    """Count the checks by standing, in the order of STANDINGS; only those that occur."""
    counts: dict[CheckStanding, list[int]] = {}
    for item in checks:
        counts.setdefault(item.standing, []).append(item.nbytes)
    return tuple(Tally(kind, len(counts[kind]), sum(counts[kind])) for kind in STANDINGS if kind in counts)


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the child's telling bytes: equal, equal or near, of one origin at all; and how far all are apart."""

    telling_nbytes: int
    identical: float
    near: float
    related: float
    compared: float
    distance: float


def shares(checks: Iterable[TensorCheck]) -> Shares:
    """Weigh the telling tensors of the child by their bytes. `distance`: 0.0 equal, 1.41 unrelated."""
    chosen = [item for item in checks if item.is_telling and item.standing != "missing"]
    total = sum(item.nbytes for item in chosen)

    def part(*standings: CheckStanding) -> float:
        return sum(item.nbytes for item in chosen if item.standing in standings) / total if total else 0.0

    moved = sum(item.nbytes * apart for item, apart in _apart(chosen))
    return Shares(
        telling_nbytes=total,
        identical=part("identical"),
        near=part("identical", "near"),
        related=part("identical", "near", "far"),
        compared=part("identical", "near", "far", "unrelated"),
        distance=moved / total if total else math.sqrt(2.0),
    )


def _apart(checks: Iterable[TensorCheck]) -> Iterator[tuple[TensorCheck, float]]:
    for item in checks:
        together = 0.0 if item.correlation is None else max(item.correlation, 0.0)
        yield item, 0.0 if item.standing == "identical" else math.sqrt(2.0 - 2.0 * together)
