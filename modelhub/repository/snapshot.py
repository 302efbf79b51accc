"""Turn a file of the working tree into objects: a blob, chunks, or a manifest with its tensors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from modelhub.errors import StateError, UnsupportedModelFile
from modelhub.formats.detect import read_model
from modelhub.formats.extent import ModelFile, TensorExtent
from modelhub.oid import oid_of
from modelhub.progress import SILENT, Progress
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import ChunkRun, LiteralRun, Manifest, Run, TensorRun, ViewRecord, encode
from modelhub.repository.tensor_keeper import TensorKeeper
from modelhub.repository.worktree import READ_NBYTES, WorkFile, mode_of, open_for_reading

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

WHOLE_NBYTES = 1 << 20
"""Files up to this size are one blob, larger ones content-defined chunks; so are literal runs of model files."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One file as it was recorded. `problem` says why its tensors could not be told apart."""

    path: str
    entry: IndexEntry
    manifest: Manifest | None
    problem: str | None


class FileReader:
    """Reads a file by position; the file must stay the same meanwhile. Implements the `Source` of `formats`."""

    def __init__(self, path: str, handle: FileIO, size: int) -> None:
        self.size = size
        self._path = path
        self._descriptor = handle.fileno()

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return exactly these bytes. Raises StateError where the file became shorter."""
        data = os.pread(self._descriptor, nbytes, offset)
        while len(data) < nbytes:
            more = os.pread(self._descriptor, nbytes - len(data), offset + len(data))
            if not more:
                raise changed_while_read(self._path)
            data += more
        return data


def changed_while_read(path: str) -> StateError:
    """Return the error for a file that another program is writing."""
    return StateError(f"'{path}' changed while it was being read", hint="wait until it is written, then try again")


class Snapshotter:
    """Records files through one writer."""

    def __init__(self, root: Path, writer: ObjectWriter, keeper: TensorKeeper, progress: Progress = SILENT) -> None:
        self._root = root
        self._writer = writer
        self._keeper = keeper
        self._progress = progress

    def record(self, file: WorkFile) -> Snapshot:
        """Store a file's content. Raises StateError where it cannot be read or changes meanwhile."""
        if file.mode == "link":
            return self._record_link(file)
        with open_for_reading(self._root / file.path) as handle:
            before = os.fstat(handle.fileno())
            reader = FileReader(file.path, handle, before.st_size)
            manifest, oid, problem = self._record_content(file.path, reader)
            after = os.fstat(handle.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise changed_while_read(file.path)
        manifest_oid = None if manifest is None else self._writer.put(encode(manifest), "manifest")
        entry = IndexEntry(mode_of(before), oid, before.st_size, manifest_oid).seen(before)
        return Snapshot(file.path, entry, manifest, problem)

    def _record_link(self, file: WorkFile) -> Snapshot:
        target = os.fsencode(os.readlink(self._root / file.path))
        entry = IndexEntry("link", self._writer.put(target), len(target)).seen(file.stat)
        return Snapshot(file.path, entry, None, None)

    def _record_content(self, path: str, reader: FileReader) -> tuple[Manifest | None, str, str | None]:
        model, problem = None, None
        try:
            model = read_model(path, reader)
        except UnsupportedModelFile as error:
            problem = error.message
        if reader.size <= WHOLE_NBYTES and problem is None and (model is None or not model.extents):
            data = reader.read(0, reader.size)
            self._progress.advance(len(data))
            return None, self._writer.put(data), None
        manifest = self._record_runs(path, reader, model, problem)
        return manifest, manifest.file, problem

    def _record_runs(self, path: str, reader: FileReader, model: ModelFile | None, problem: str | None) -> Manifest:
        spans = list(_spans(model.extents if model else (), reader.size))
        file_oid, span_oids = _hash_spans(reader, spans, self._progress)
        literals = bytearray()
        runs: list[Run] = []
        for span, oid in zip(spans, span_oids, strict=True):
            if span.extent is not None:
                runs.append(self._record_tensor(path, reader, span.extent, oid))
            elif span.nbytes <= WHOLE_NBYTES and model is not None:
                literals += reader.read(span.offset, span.nbytes)
                runs.append(LiteralRun(span.nbytes))
            else:
                runs += self._record_chunks(reader, span)
        return Manifest(
            format=model.format if model else "bytes",
            size=reader.size,
            file=file_oid,
            runs=tuple(runs),
            literals=self._writer.put(bytes(literals)) if literals else None,
            views=_views(model),
            metadata=dict(model.metadata) if model else {},
            notes=model.notes if model else (),
            problem=problem,
        )

    def _record_tensor(self, path: str, reader: FileReader, extent: TensorExtent, oid: str) -> TensorRun:
        def read(offset: int, nbytes: int) -> bytes:
            return reader.read(extent.offset + offset, nbytes)

        self._keeper.keep(path, extent, oid, read)
        self._progress.advance(extent.nbytes)
        return TensorRun(extent.nbytes, oid, extent.name, extent.dtype, extent.shape, extent.strides)

    def _record_chunks(self, reader: FileReader, span: Span) -> Iterator[ChunkRun]:
        from modelhub.store.chunker import chunk_spans

        def read(offset: int, nbytes: int) -> bytes:
            return reader.read(span.offset + offset, nbytes)

        for offset, nbytes in chunk_spans(read, span.nbytes):
            yield ChunkRun(nbytes, self._writer.put(read(offset, nbytes)))
            self._progress.advance(nbytes)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file: a tensor, or the literal bytes before or after one."""

    offset: int
    nbytes: int
    extent: TensorExtent | None


def _spans(extents: tuple[TensorExtent, ...], size: int) -> Iterator[Span]:
    position = 0
    for extent in extents:
        if extent.offset > position:
            yield Span(position, extent.offset - position, None)
        yield Span(extent.offset, extent.nbytes, extent)
        position = extent.offset + extent.nbytes
    if position < size:
        yield Span(position, size - position, None)


def _views(model: ModelFile | None) -> tuple[ViewRecord, ...]:
    if model is None:
        return ()
    return tuple(
        ViewRecord(view.name, view.dtype, view.shape, view.strides, view.extent, view.start) for view in model.views
    )


def _hash_spans(reader: FileReader, spans: list[Span], progress: Progress) -> tuple[str, list[str]]:
    """Return the BLAKE3 of the file and of each span, in one pass with a core for each of the two."""
    whole = blake3()
    oids = []
    with ThreadPoolExecutor(1) as pool:
        for span in spans:
            if span.nbytes <= READ_NBYTES:
                block = reader.read(span.offset, span.nbytes)
                whole.update(block)
                oids.append(oid_of(block))
                continue
            digest = blake3()
            for start in range(0, span.nbytes, READ_NBYTES):
                block = reader.read(span.offset + start, min(READ_NBYTES, span.nbytes - start))
                pending = pool.submit(whole.update, block)
                digest.update(block)
                pending.result()
            oids.append(digest.hexdigest())
    return whole.hexdigest(), oids
