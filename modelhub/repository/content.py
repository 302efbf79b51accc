"""The bytes of a recorded file: whole, as a stream that is checked at its end, or one tensor of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from blake3 import blake3

from modelhub.errors import IntegrityError, PathNotFound
from modelhub.oid import Bytes
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import ChunkSegment, Entry, LiteralSegment, Manifest, TensorSegment, ViewRecord
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
    stored = store.blocks([segment.oid for segment in manifest.segments if not isinstance(segment, LiteralSegment)])
    position = 0
    for segment in manifest.segments:
        if isinstance(segment, LiteralSegment):
            yield literals[position : position + segment.nbytes]
            position += segment.nbytes
        else:
            yield from _take(stored, segment)


def _take(stored: Iterator[Bytes], segment: ChunkSegment | TensorSegment) -> Iterator[Bytes]:
    """Blocks end where objects end, so a segment takes whole blocks."""
    left = segment.nbytes
    while left > 0:
        block = next(stored, b"")
        if not block:
            raise IntegrityError(f"object {segment.oid[:12]} is shorter than its manifest says")
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


def find_tensor(manifest: Manifest | None, name: str) -> tuple[TensorSegment, ViewRecord | None]:
    """Return the tensor of this name, and the view where the name is a further one. Raises PathNotFound."""
    tensors = [] if manifest is None else manifest.tensors()
    for segment in tensors:
        if segment.name == name:
            return segment, None
    views = () if manifest is None else manifest.views
    for view in views:
        if view.name == name:
            return tensors[view.segment], view
    known = [segment.name for segment in tensors] + [view.name for view in views]
    raise PathNotFound(f"there is no tensor '{name}' in that file", hint=_names_like(name, known))


def _names_like(name: str, known: list[str]) -> str:
    import difflib

    near = [f"'{one}'" for one in difflib.get_close_matches(name, known, n=3)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"its tensors: {', '.join(known[:5])}{', …' if len(known) > 5 else ''}" if known else "it has none"


def chunk_oids(manifest: Manifest) -> list[str]:
    """Return the ids of every object a manifest needs."""
    oids = [segment.oid for segment in manifest.segments if isinstance(segment, TensorSegment | ChunkSegment)]
    return oids if manifest.literals is None else [*oids, manifest.literals]
