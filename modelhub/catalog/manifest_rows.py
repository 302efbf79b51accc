"""Turn the manifests of model files into rows of the catalog: their tensors and the other pieces of the file."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from modelhub.catalog import rows
from modelhub.catalog.facts import Facts, add_tensor, unknown_fact
from modelhub.catalog.storage_rows import StorageIngest
from modelhub.errors import FormatError, ObjectNotFound
from modelhub.repository.content import chunk_oids
from modelhub.repository.objects import Manifest, TensorSegment, ViewRecord
from modelhub.repository.repository import Repository


class ManifestIngest:
    """Adds manifests with all that hangs on them. The caller holds the transaction."""

    def __init__(
        self, repository: Repository, connection: sqlite3.Connection, facts: Facts, storage: StorageIngest
    ) -> None:
        self._repository = repository
        self._connection = connection
        self._facts = facts
        self._storage = storage

    def add(self, oid: str) -> int | None:
        """Add a manifest if it is not there and return its number; None where it is gone or damaged."""
        number = rows.oid_no(self._connection, oid)
        if rows.has_manifest(self._connection, number):
            return number
        try:
            manifest = self._repository.get(oid, Manifest)
        except (ObjectNotFound, FormatError):
            return None
        tensors = manifest.tensors()
        tensor_nos = [self._tensor_no(segment) for segment in tensors]
        rows.add_manifest_tensors(self._connection, _tensor_rows(number, manifest, tensors, tensor_nos))
        pieces = chunk_oids(manifest)
        self._storage.add(dict.fromkeys([oid, *pieces]))
        others = dict.fromkeys(pieces).keys() - {segment.oid for segment in tensors}
        rows.add_pieces(self._connection, [(number, rows.oid_no(self._connection, piece)) for piece in others])
        row = (
            number, manifest.format, manifest.size, rows.oid_no(self._connection, manifest.file), len(tensors),
            manifest.problem, *_mix(tensors),
        )  # fmt: skip
        rows.add_manifests(self._connection, [row])
        return number

    def _tensor_no(self, segment: TensorSegment) -> int:
        known = rows.tensor_no_of(self._connection, segment.oid, segment.dtype)
        if known is not None:
            return known
        try:
            fact = self._facts.fact(segment.oid, segment.dtype)
        except (ObjectNotFound, FormatError):
            fact = unknown_fact(segment.oid, segment.dtype, segment.nbytes)
        return add_tensor(self._connection, fact)


def _tensor_rows(
    number: int, manifest: Manifest, tensors: Sequence[TensorSegment], tensor_nos: Sequence[int]
) -> Iterator[tuple[object, ...]]:
    for position, (segment, tensor_no) in enumerate(zip(tensors, tensor_nos, strict=True)):
        yield (
            number, position, segment.name, segment.dtype, _shape(segment.shape), math.prod(segment.shape),
            segment.nbytes, 0, tensor_no,
        )  # fmt: skip
    for position, view in enumerate(manifest.views, len(tensors)):
        yield (
            number, position, view.name, view.dtype, _shape(view.shape), math.prod(view.shape),
            _view_nbytes(view, tensors[view.segment]), 1, tensor_nos[view.segment],
        )  # fmt: skip


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _view_nbytes(view: ViewRecord, segment: TensorSegment) -> int:
    elements = math.prod(segment.shape)
    return math.prod(view.shape) * segment.nbytes // elements if elements else 0


def _mix(tensors: Iterable[TensorSegment]) -> tuple[int, str]:
    """Return how many numbers there are, and the share of each dtype as text, the largest first."""
    counts: Counter[str] = Counter()
    for segment in tensors:
        counts[segment.dtype] += math.prod(segment.shape)
    total = sum(counts.values())
    shares = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return total, ",".join(f"{name}:{number / total if total else 0:.3g}" for name, number in shares)
