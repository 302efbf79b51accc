"""Cut a file into segments, store what they name, hash the whole on the way: every byte is read once if it can be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from types import TracebackType
from typing import TYPE_CHECKING

from blake3 import blake3

from modelhub.errors import IntegrityError, StateError
from modelhub.formats.extent import ModelFile, TensorExtent
from modelhub.oid import oid_of
from modelhub.progress import Progress
from modelhub.repository.objects import ChunkSegment, LiteralSegment, Manifest, Segment, TensorSegment, ViewRecord
from modelhub.repository.tensor_keeper import Read, TensorKeeper
from modelhub.repository.worktree import READ_NBYTES

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

WHOLE_NBYTES = 1 << 20
"""Files up to this size are one blob, larger ones content-defined chunks; so are literal segments of model files."""


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


class SegmentRecorder:
    """Records one file. A context manager: the file's hash is computed on a thread of its own."""

    def __init__(
        self, path: str, reader: FileReader, writer: ObjectWriter, *, keeper: TensorKeeper, progress: Progress
    ) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self._keeper = keeper
        self._progress = progress
        self._digest = blake3()
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[object] | None = None

    def __enter__(self) -> SegmentRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def record(self, model: ModelFile | None, problem: str | None) -> Manifest:
        """Store the tensors, chunks and literals of the file and return how it is put together."""
        literals = bytearray()
        segments: list[Segment] = []
        position = 0
        for extent in model.extents if model else ():
            segments += self._record_gap(position, extent.offset - position, literals)
            segments.append(self._record_tensor(extent))
            position = extent.offset + extent.nbytes
        if model is None:
            segments += self._record_chunks(position, self._reader.size - position)
        else:
            segments += self._record_gap(position, self._reader.size - position, literals)
        return Manifest(
            format=model.format if model else "bytes",
            size=self._reader.size,
            file=self._whole(),
            segments=tuple(segments),
            literals=self._writer.put(bytes(literals)) if literals else None,
            views=_views(model),
            metadata=dict(model.metadata) if model else {},
            notes=model.notes if model else (),
            problem=problem,
        )

    def _record_gap(self, offset: int, nbytes: int, literals: bytearray) -> Iterator[Segment]:
        """What lies between tensors: short stretches go to the literals, long ones become chunks."""
        if nbytes > WHOLE_NBYTES:
            yield from self._record_chunks(offset, nbytes)
        elif nbytes:
            data = self._read(offset, nbytes)
            literals += data
            yield LiteralSegment(nbytes)

    def _record_tensor(self, extent: TensorExtent) -> TensorSegment:
        if extent.nbytes <= READ_NBYTES:
            content = self._read(extent.offset, extent.nbytes)
            oid, read = oid_of(content), _from_memory(content)
        else:
            oid, read = self._hash(extent), self._from_file(extent)
        try:
            self._keeper.keep(self._path, extent, oid, read)
        except IntegrityError:
            if self._differs(extent, oid):
                raise changed_while_read(self._path) from None
            raise
        return TensorSegment(extent.nbytes, oid, extent.name, extent.dtype, extent.shape, extent.strides)

    def _record_chunks(self, offset: int, nbytes: int) -> Iterator[ChunkSegment]:
        from modelhub.store.chunker import chunk_spans

        def read(start: int, length: int) -> bytes:
            return self._reader.read(offset + start, length)

        for start, length in chunk_spans(read, nbytes):
            yield ChunkSegment(length, self._writer.put(self._read(offset + start, length)))

    def _hash(self, extent: TensorExtent) -> str:
        digest = blake3()
        for start in range(0, extent.nbytes, READ_NBYTES):
            digest.update(self._read(extent.offset + start, min(READ_NBYTES, extent.nbytes - start)))
        return digest.hexdigest()

    def _differs(self, extent: TensorExtent, oid: str) -> bool:
        digest = blake3()
        for start in range(0, extent.nbytes, READ_NBYTES):
            digest.update(self._reader.read(extent.offset + start, min(READ_NBYTES, extent.nbytes - start)))
        return digest.hexdigest() != oid

    def _from_file(self, extent: TensorExtent) -> Read:
        return lambda offset, nbytes: self._reader.read(extent.offset + offset, nbytes)

    def _read(self, offset: int, nbytes: int) -> bytes:
        """Read the next bytes of the file and have the file's hash follow."""
        data = self._reader.read(offset, nbytes)
        if self._pending is not None:
            self._pending.result()
        self._pending = self._pool.submit(self._digest.update, data)
        self._progress.advance(nbytes)
        return data

    def _whole(self) -> str:
        if self._pending is not None:
            self._pending.result()
        return self._digest.hexdigest()


def _from_memory(content: bytes) -> Read:
    return lambda offset, nbytes: content if nbytes == len(content) else content[offset : offset + nbytes]


def _views(model: ModelFile | None) -> tuple[ViewRecord, ...]:
    if model is None:
        return ()
    return tuple(
        ViewRecord(view.name, view.dtype, view.shape, view.strides, view.extent, view.start) for view in model.views
    )
