"""Find the model files of a history that a new one looks like, by sketches alone: no tensor is decoded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from modelhub.catalog.model_files import (
    History,
    ModelPlace,
    SketchedTensor,
    manifests_with,
    same_size,
    sketched_tensors,
)
from modelhub.porcelain.tensor_names import match_names

if TYPE_CHECKING:
    from modelhub.catalog.opening import Connection
    from modelhub.weights.kinship import SketchTable

NEAR_SKETCH = 0.5
"""Centred sketches closer than this belong to one origin; unrelated ones are about 1.41 apart. See design 005."""

PROBES = 24
MOST_SKETCHES = 1 << 15
"""Of one size so many tensors, the newest, are looked at: the cost of a search stays bounded."""

MOST_HOLDERS = 500
MOST_CANDIDATES = 8


class Resemblance(Struct, frozen=True):
    """How much of one model's telling bytes another model has, equal or near; `distance` is 0.0 to 1.41 over all."""

    telling_nbytes: int
    identical_nbytes: int
    near_nbytes: int
    same_dtype_nbytes: int
    distance: float
    farthest: float

    @property
    def share(self) -> float:
        """The share of the telling bytes that are equal or near."""
        return (self.identical_nbytes + self.near_nbytes) / self.telling_nbytes if self.telling_nbytes else 0.0

    @property
    def identical_share(self) -> float:
        """The share of the telling bytes that are equal."""
        return self.identical_nbytes / self.telling_nbytes if self.telling_nbytes else 0.0


class Likeness(Struct, frozen=True):
    """A model file of the history, how it resembles the one that was asked about, and what it holds."""

    place: ModelPlace
    resemblance: Resemblance
    tensors: tuple[SketchedTensor, ...]


def telling(tensors: Sequence[SketchedTensor]) -> list[SketchedTensor]:
    """Return the tensors whose likeness means something, the largest first."""
    from modelhub.weights.kinship import is_telling

    found = [item for item in tensors if is_telling(item.dtype, item.elements, item.sketch)]
    return sorted(found, key=lambda item: (-item.nbytes, item.name))


def resemblance(tensors: Sequence[SketchedTensor], others: Sequence[SketchedTensor]) -> Resemblance:
    """Compare two models: each telling tensor with the one of its name, else with the equal or the nearest one."""
    from modelhub.weights.kinship import APART

    chosen = telling(tensors)
    total = sum(item.nbytes for item in chosen)
    pairs = list(_pairs(chosen, others))
    identical = sum(item.nbytes for item, other, _ in pairs if other is not None and other.oid == item.oid)
    near = [(item, other) for item, other, apart in pairs if apart < NEAR_SKETCH and other and other.oid != item.oid]
    weighted = sum(item.nbytes * min(apart, APART) for item, _, apart in pairs)
    return Resemblance(
        telling_nbytes=total,
        identical_nbytes=identical,
        near_nbytes=sum(item.nbytes for item, _ in near),
        same_dtype_nbytes=sum(item.nbytes for item, other, _ in pairs if other and other.dtype == item.dtype),
        distance=weighted / total if total else APART,
        farthest=max((apart for _, _, apart in pairs), default=APART),
    )


def _pairs(
    tensors: Sequence[SketchedTensor], others: Sequence[SketchedTensor]
) -> Iterator[tuple[SketchedTensor, SketchedTensor | None, float]]:
    from modelhub.weights.kinship import centred_distances

    by_name = {item.name: item for item in others}
    by_oid = {item.oid: item for item in others}
    by_size: dict[int, list[SketchedTensor]] = {}
    for item in others:
        by_size.setdefault(item.elements, []).append(item)
    names = match_names((item.name for item in tensors), by_name)
    for item in tensors:
        if item.oid in by_oid:
            yield item, by_oid[item.oid], 0.0
            continue
        fitting = by_size.get(item.elements, [])
        named = by_name.get(names.get(item.name, ""))
        if named is not None and named.elements == item.elements:
            fitting = [named]
        found = centred_distances(item.sketch, [other.sketch for other in fitting])
        apart, place = min(((value, at) for at, value in enumerate(found)), default=(math.inf, -1))
        yield item, fitting[place] if place >= 0 else None, apart


class Likenesses:
    """Searches the model files that a commit descends from."""

    def __init__(self, connection: Connection, history: History) -> None:
        self._connection = connection
        self._history = history
        self._of_size: dict[tuple[str, int], tuple[list[int], SketchTable]] = {}
        self._places: dict[int, ModelPlace | None] = {}

    def find(self, tensors: Sequence[SketchedTensor]) -> list[Likeness]:
        """Return the model files that look most like these tensors, the nearest first; of equal ones the oldest."""
        scores: dict[int, float] = {}
        for item in telling(tensors)[:PROBES]:
            for manifest, score in self._holders(item).items():
                scores[manifest] = scores.get(manifest, 0.0) + score
        found = []
        for manifest in sorted(scores, key=lambda no: (-scores[no], no)):
            place = self._place(manifest)
            if place is not None:
                others = sketched_tensors(self._connection, place.manifest)
                found.append(Likeness(place, resemblance(tensors, others), tuple(others)))
            if len(found) == MOST_CANDIDATES:
                break
        return sorted(found, key=lambda item: (item.resemblance.distance, -item.resemblance.share))

    def _place(self, manifest: int) -> ModelPlace | None:
        if manifest not in self._places:
            self._places[manifest] = self._history.first_place(manifest)
        return self._places[manifest]

    def _holders(self, item: SketchedTensor) -> dict[int, float]:
        """The model files with a tensor near this one, and how many bytes' worth of likeness that is."""
        from modelhub.weights.kinship import SketchTable

        key = (item.dtype, item.elements)
        if key not in self._of_size:
            known = same_size(self._connection, item.dtype, item.elements, MOST_SKETCHES)
            self._of_size[key] = [no for no, _ in known], SketchTable([sketch for _, sketch in known])
        numbers, table = self._of_size[key]
        near = {numbers[place]: apart for place, apart in table.near(item.sketch, NEAR_SKETCH).items()}
        nearest = list(near)[:MOST_HOLDERS]
        best: dict[int, float] = {}
        for manifest, tensor in manifests_with(self._connection, nearest, MOST_HOLDERS) if nearest else ():
            best[manifest] = max(best.get(manifest, 0.0), item.nbytes * (1.0 - near[tensor]))
        return best
