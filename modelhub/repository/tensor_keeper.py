"""Puts tensors into the store: finds what each may be a delta of, and takes its statistics on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from modelhub.formats.dtypes import dtype as find_dtype
from modelhub.formats.extent import TensorExtent
from modelhub.repository.objects import Manifest, TensorSegment
from modelhub.repository.read_ahead import Read, Stretch
from modelhub.store.entry import Base
from modelhub.store.item import Item

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter
    from modelhub.weights.statistics import Partial
    from modelhub.weights.summary import TensorStatistics

LEAST_NBYTES = 4096
"""Smaller tensors are kept whole: what a delta of them saves is not worth the step that reading each version takes."""


class Nearest(Protocol):
    """Finds stored tensors that look like a new one."""

    def find(self, extent: TensorExtent, sketch: bytes) -> Sequence[str]:
        """Return ids of stored tensors of this dtype and size, the nearest first."""

    def casts(self, extent: TensorExtent, sketch: bytes) -> Sequence[str]:
        """Return ids of stored tensors of other kinds of float that this one is likely a cast of."""

    def learn(self, fact: TensorFact) -> None:
        """Take in a tensor that was just stored."""


_ITEM_KIND = {
    "uint64": "int64", "uint32": "int32", "uint16": "int16", "uint8": "int8", "bool": "int8",
    "complex64": "float32", "complex128": "float64",
    "float8_e4m3fn": "int8", "float8_e5m2": "int8", "float8_e4m3fnuz": "int8", "float8_e5m2fnuz": "int8",
    "float8_e8m0fnu": "int8",
}  # fmt: skip
_DIRECT = frozenset({"float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"})


def item_of(dtype: str) -> Item:
    """Return the hint the store gets for tensors of this dtype."""
    kind = dtype if dtype in _DIRECT else _ITEM_KIND.get(dtype)
    if kind is not None:
        return Item.of(kind)
    return Item("bytes", find_dtype(dtype).block_nbytes)


def row_items(shape: tuple[int, ...]) -> int:
    """Return the items in a row: all that the first index has below it; 0 for what is no matrix."""
    return math.prod(shape[1:]) if len(shape) > 1 else 0


def elements_of(dtype: str, nbytes: int) -> int:
    """Return how many values of a dtype these bytes hold."""
    kind = find_dtype(dtype)
    return nbytes // kind.block_nbytes * kind.block_elements


class TensorFact(Struct, frozen=True):
    """What was learned of a tensor while it was stored."""

    oid: str
    dtype: str
    nbytes: int
    statistics: TensorStatistics
    sketch: bytes

    @property
    def elements(self) -> int:
        """How many values it has, by its bytes."""
        return elements_of(self.dtype, self.nbytes)


class KnownTensors:
    """The tensors of versions a new one likely descends from: the parent commit's, then the declared parents'."""

    def __init__(self, manifest_at: Callable[[str], Manifest | None], declared: Iterable[Manifest] = ()) -> None:
        self._manifest_at = manifest_at
        self._by_path: dict[str, dict[str, TensorSegment]] = {}
        self._declared = {segment.name: segment for manifest in declared for segment in manifest.tensors()}

    def find(self, path: str, extent: TensorExtent) -> list[str]:
        """Return the tensors of the same name, where dtype and shape are equal: of the same path, then declared."""
        if path not in self._by_path:
            manifest = self._manifest_at(path)
            self._by_path[path] = {} if manifest is None else {segment.name: segment for segment in manifest.tensors()}
        found = (self._by_path[path].get(extent.name), self._declared.get(extent.name))
        return [
            segment.oid
            for segment in found
            if segment is not None and (segment.dtype, segment.shape) == (extent.dtype, extent.shape)
        ]


class TensorKeeper:
    """Keeps each tensor once. `facts` collects what was learned of the new ones."""

    def __init__(self, writer: ObjectWriter, known: KnownTensors, nearest: Nearest) -> None:
        self._writer = writer
        self._known = known
        self._nearest = nearest
        self.facts: list[TensorFact] = []

    def keep(self, path: str, extent: TensorExtent, stretch: Stretch) -> None:
        """Store one tensor of a file, which lies in this stretch of it, unless it is stored already."""
        oid, read = stretch.oid, stretch.read
        if self._writer.contains(oid):
            return
        from modelhub.weights.sketch import sketch

        sample = sketch(read, extent.dtype, extent.nbytes)
        observer = _Observer(extent.dtype, read)
        self._writer.put_stream(
            oid,
            extent.nbytes,
            observer.read,
            item=item_of(extent.dtype),
            row_items=row_items(extent.shape),
            bases=((base,) for base in self._bases(path, extent, sample, read)),
            is_held=stretch.is_held,
        )
        fact = TensorFact(oid, extent.dtype, extent.nbytes, observer.statistics(), sample)
        self._nearest.learn(fact)
        self.facts.append(fact)

    def _bases(self, path: str, extent: TensorExtent, sample: bytes, read: Read) -> Iterator[Base]:
        """What it is a cast of, and the same tensor of the versions this one descends from; only if none will do,
        whatever looks alike, as it lies or on its side."""
        from modelhub.weights.sketch import turned_sketch

        if extent.nbytes < LEAST_NBYTES:
            return
        for oid in self._nearest.casts(extent, sample):
            yield Base(oid, is_converted=True)
        for oid in self._known.find(path, extent):
            yield Base(oid)
        for oid in self._nearest.find(extent, sample):
            yield Base(oid)
        if len(extent.shape) == 2 and min(extent.shape) > 1 and extent.strides is None and extent.dtype in _DIRECT:
            rows, columns = extent.shape
            for oid in self._nearest.find(extent, turned_sketch(read, extent.dtype, (rows, columns))):
                yield Base(oid, rows=columns)


class _Observer:
    """Takes the statistics of each block that the store reads for encoding."""

    def __init__(self, dtype: str, read: Read) -> None:
        self._dtype = dtype
        self._read = read
        self._partials: dict[int, Partial] = {}

    def read(self, offset: int, nbytes: int) -> bytes:
        from modelhub.weights.statistics import partial

        block = self._read(offset, nbytes)
        self._partials[offset] = partial(block, self._dtype)
        return block

    def statistics(self) -> TensorStatistics:
        from modelhub.weights.statistics import combine

        return combine([self._partials[offset] for offset in sorted(self._partials)])
