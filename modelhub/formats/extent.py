"""What a parser says about a model file: where the bytes of each tensor lie, and the source it read them from."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol

from msgspec import Struct, field

from modelhub.errors import UnsupportedModelFile

KEPT_AS_BYTES = "the file is versioned byte for byte all the same, but not tensor by tensor"


def refusal(message: str, *, hint: str = KEPT_AS_BYTES) -> UnsupportedModelFile:
    """Build the error a parser raises: what is wrong, in the user's words, after the format's name."""
    return UnsupportedModelFile(message, hint=hint)


class TensorExtent(Struct, frozen=True):
    """One run of bytes in the file that is one tensor, little-endian.

    `shape` is in C order (slowest axis first). `strides`, in elements, is given only where the bytes are not in C
    order: a permutation of the axes that still covers the run without holes. A 0-d tensor has shape (), an empty one
    0 bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int
    strides: tuple[int, ...] | None = None

    @property
    def end(self) -> int:
        """The offset just after the last byte."""
        return self.offset + self.nbytes


class TensorView(Struct, frozen=True):
    """A further name for bytes an extent already covers: tied weights, slices of one storage.

    `extent` is an index into `ModelFile.extents`; `start` is counted from the extent's first byte in elements of the
    view's own dtype. `strides`, in elements, is None for C order.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    extent: int
    start: int


class ModelFile(Struct, frozen=True):
    """Where the tensors of one file are: extents sorted by offset, inside the file and never overlapping.

    Everything between the extents is literal, so literals and tensors in order are the file again. `metadata` holds
    facts the file states about itself; `notes` are sentences for the user about what was left as literal bytes.
    """

    format: str
    extents: tuple[TensorExtent, ...]
    views: tuple[TensorView, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Bytes that can be read anywhere: a file, or memory."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return exactly these bytes; raise UnsupportedModelFile where the source does not have them all."""


class BytesSource:
    """A source in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data).cast("B")

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._data.nbytes

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return exactly these bytes."""
        _check_range(offset, nbytes, self.size)
        return bytes(self._data[offset : offset + nbytes])


class FileSource:
    """A file on disk, opened once; its size is what it was when opened. Use as a context manager."""

    def __init__(self, path: Path | str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._descriptor).st_size

    @property
    def size(self) -> int:
        """How many bytes the file had when it was opened."""
        return self._size

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return exactly these bytes, however short the single reads are."""
        _check_range(offset, nbytes, self._size)
        data = os.pread(self._descriptor, nbytes, offset)
        while len(data) < nbytes:
            more = os.pread(self._descriptor, nbytes - len(data), offset + len(data))
            if not more:
                raise refusal(
                    "the file became shorter while it was read", hint="commit again when nothing writes to it"
                )
            data += more
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> FileSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_range(offset: int, nbytes: int, size: int) -> None:
    if offset < 0 or nbytes < 0 or offset + nbytes > size:
        raise refusal(f"truncated: {nbytes} bytes are wanted at {offset} but the file has {size} bytes")


def check_extents(extents: tuple[TensorExtent, ...], size: int) -> None:
    """Prove that extents are sorted, inside the file and do not overlap; raise UnsupportedModelFile otherwise."""
    position = 0
    for extent in extents:
        if extent.offset < position or extent.nbytes < 0:
            raise refusal(f"tensor '{extent.name}' overlaps the one before it at {extent.offset}")
        if extent.end > size:
            raise refusal(f"tensor '{extent.name}' ends at {extent.end} but the file has {size} bytes (truncated?)")
        position = extent.end
