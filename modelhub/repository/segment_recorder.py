"""Cut a file into segments and store what they name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from io import FileIO
from itertools import groupby
from types import TracebackType
from typing import Protocol

from blake3 import blake3
from msgspec import Struct

from modelhub.errors import IntegrityError, StateError
from modelhub.formats.extent import ModelFile, TensorExtent
from modelhub.oid import Kind
from modelhub.progress import Progress
from modelhub.repository.objects import ChunkSegment, LiteralSegment, Manifest, Segment, TensorSegment, ViewRecord
from modelhub.repository.read_ahead import FileDigest, ReadAhead, Stretch
from modelhub.repository.worktree import READ_NBYTES

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


class Putter(Protocol):
    """Takes in small objects, such as a writer of the store."""

    def put(self, data: bytes, kind: Kind = "blob") -> str:
        """Return the id of an object with this content."""


class Keeper(Protocol):
    """Takes in the tensors of a file, such as a `TensorKeeper`."""

    def keep(self, path: str, extent: TensorExtent, stretch: Stretch) -> None:
        """Take in one tensor, which lies in this stretch of the file."""


class _Part(Struct, frozen=True):
    """A part of the file: a tensor, or what lies between tensors."""

    offset: int
    nbytes: int
    extent: TensorExtent | None = None

    @property
    def is_chunked(self) -> bool:
        """Whether it is cut into chunks."""
        return self.extent is None and self.nbytes > WHOLE_NBYTES


class SegmentRecorder:
    """Records one file. A context manager: it reads and hashes on threads of its own."""

    def __init__(self, path: str, reader: FileReader, writer: Putter, *, keeper: Keeper, progress: Progress) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self._keeper = keeper
        self._progress = progress
        self._digest = FileDigest()
        self._ahead = ReadAhead(reader, self._digest)

    def __enter__(self) -> SegmentRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ahead.close()
        self._digest.close()

    def record(self, model: ModelFile | None, problem: str | None) -> Manifest:
        """Store the tensors, chunks and literals of the file and return how it is put together."""
        literals = bytearray()
        segments: list[Segment] = []
        parts = [_Part(0, self._reader.size)] if model is None else list(_parts(model, self._reader.size))
        for is_chunked, some in groupby(parts, key=lambda part: model is None or part.is_chunked):
            run = list(some)
            segments += self._record_chunks(run) if is_chunked else self._record_stretches(run, literals)
        return Manifest(
            format=model.format if model else "bytes",
            size=self._reader.size,
            file=self._digest.hexdigest(),
            segments=tuple(segments),
            literals=self._writer.put(bytes(literals)) if literals else None,
            views=_views(model),
            metadata=dict(model.metadata) if model else {},
            notes=model.notes if model else (),
            problem=problem,
        )

    def _record_stretches(self, parts: list[_Part], literals: bytearray) -> Iterator[Segment]:
        """Tensors, and the short stretches between them, which go to the literals."""
        stretches = self._ahead.read((part.offset, part.nbytes) for part in parts)
        for part, stretch in zip(parts, stretches, strict=True):
            self._progress.advance(part.nbytes)
            if part.extent is None:
                literals += stretch.read(0, part.nbytes)
                yield LiteralSegment(part.nbytes)
            else:
                yield self._record_tensor(part.extent, stretch)

    def _record_tensor(self, extent: TensorExtent, stretch: Stretch) -> TensorSegment:
        try:
            self._keeper.keep(self._path, extent, stretch)
        except IntegrityError:
            if self._differs(extent, stretch.oid):
                raise changed_while_read(self._path) from None
            raise
        return TensorSegment(extent.nbytes, stretch.oid, extent.name, extent.dtype, extent.shape, extent.strides)

    def _record_chunks(self, parts: list[_Part]) -> Iterator[ChunkSegment]:
        from modelhub.store.chunker import chunk_spans

        for part in parts:
            read = partial(self._read_within, part)
            for start, length in chunk_spans(read, part.nbytes):
                data = read(start, length)
                self._digest.add(data)
                self._progress.advance(length)
                yield ChunkSegment(length, self._writer.put(data))

    def _read_within(self, part: _Part, start: int, length: int) -> bytes:
        return self._reader.read(part.offset + start, length)

    def _differs(self, extent: TensorExtent, oid: str) -> bool:
        digest = blake3()
        for start in range(0, extent.nbytes, READ_NBYTES):
            digest.update(self._reader.read(extent.offset + start, min(READ_NBYTES, extent.nbytes - start)))
        return digest.hexdigest() != oid


def _parts(model: ModelFile, size: int) -> Iterator[_Part]:
    """Yield the parts of the file in their order; none is empty but tensors of no bytes."""
    position = 0
    for extent in model.extents:
        if extent.offset > position:
            yield _Part(position, extent.offset - position)
        yield _Part(extent.offset, extent.nbytes, extent)
        position = extent.end
    if size > position:
        yield _Part(position, size - position)


def _views(model: ModelFile | None) -> tuple[ViewRecord, ...]:
    if model is None:
        return ()
    return tuple(
        ViewRecord(view.name, view.dtype, view.shape, view.strides, view.extent, view.start) for view in model.views
    )
