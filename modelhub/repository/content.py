"""The bytes of a recorded file: whole, as a stream that is checked at its end, or one tensor of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from blake3 import blake3

from modelhub.errors import IntegrityError, PathNotFound
from modelhub.oid import Bytes
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import ChunkRun, Entry, LiteralRun, Manifest, TensorRun, ViewRecord
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.store.object_store import ObjectStore


class FileStream:
    """The blocks of one recorded file in order; `check` must be called after the last and before they are relied on."""

    def __init__(self, repository: Repository, entry: Entry | IndexEntry) -> None:
        self._entry = entry
        self._store = repository.store
        self._manifest = None if entry.manifest is None else repository.get(entry.manifest, Manifest)
        self._digest = blake3()

    def __iter__(self) -> Iterator[Bytes]:
        blocks = self._store.blocks([self._entry.oid]) if self._manifest is None else _runs(self._store, self._manifest)
        for block in blocks:
            self._digest.update(block)
            yield block

    def check(self) -> None:
        """Raise IntegrityError unless all blocks together are the recorded file."""
        if self._digest.hexdigest() != self._entry.oid:
            raise IntegrityError(
                f"the stored content of file {self._entry.oid[:12]} is damaged",
                hint="'mh fsck --full' lists the damage",
            )


def _runs(store: ObjectStore, manifest: Manifest) -> Iterator[Bytes]:
    literals = b"" if manifest.literals is None else store.read(manifest.literals)
    stored = store.blocks([run.oid for run in manifest.runs if not isinstance(run, LiteralRun)])
    position = 0
    for run in manifest.runs:
        if isinstance(run, LiteralRun):
            yield literals[position : position + run.nbytes]
            position += run.nbytes
        else:
            yield from _take(stored, run)


def _take(stored: Iterator[Bytes], run: ChunkRun | TensorRun) -> Iterator[Bytes]:
    """Blocks end where objects end, so a run takes whole blocks."""
    left = run.nbytes
    while left > 0:
        block = next(stored, b"")
        if not block:
            raise IntegrityError(f"object {run.oid[:12]} is shorter than its manifest says")
        left -= len(block)
        yield block


def read_file(repository: Repository, entry: Entry | IndexEntry) -> bytes:
    """Return a recorded file whole, verified. For files known to be small."""
    stream = FileStream(repository, entry)
    data = b"".join(stream)
    stream.check()
    return data


def read_manifest(repository: Repository, entry: Entry | IndexEntry) -> Manifest | None:
    """Return the manifest of a file; None for a plain blob."""
    return None if entry.manifest is None else repository.get(entry.manifest, Manifest)


def find_tensor(manifest: Manifest | None, name: str) -> tuple[TensorRun, ViewRecord | None]:
    """Return the tensor of this name, and the view where the name is a further one. Raises PathNotFound."""
    tensors = [] if manifest is None else manifest.tensors()
    for run in tensors:
        if run.name == name:
            return run, None
    for view in () if manifest is None else manifest.views:
        if view.name == name:
            return tensors[view.run], view
    known = ", ".join(run.name for run in tensors[:5])
    raise PathNotFound(
        f"there is no tensor '{name}' in that file", hint=f"its tensors: {known}{', …' if len(tensors) > 5 else ''}"
    )


def chunk_oids(manifest: Manifest) -> list[str]:
    """Return the ids of every object a manifest needs."""
    oids = [run.oid for run in manifest.runs if isinstance(run, TensorRun | ChunkRun)]
    return oids if manifest.literals is None else [*oids, manifest.literals]
