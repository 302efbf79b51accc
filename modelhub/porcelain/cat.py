"""Read one file, or one tensor of a file, of any version or run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.oid import Bytes
from modelhub.porcelain.places import find_file
from modelhub.repository.content import FileStream, find_tensor, read_manifest
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array


def cat(repo: Repository, *, place: str, tensor: str | None = None) -> Iterator[Bytes]:
    """Yield the bytes of the file `REV:PATH` or `RUN:PATH`, or of one tensor in it, reading no more than that.

    Each block is checked before it is yielded, the whole at the end (IntegrityError). Raises PathNotFound, RefNotFound.
    """
    entry = find_file(repo, place)
    if tensor is not None:
        run, view = find_tensor(read_manifest(repo, entry), tensor)
        if view is not None and view.shape != run.shape:
            raise InvalidInputError(f"'{tensor}' is a view into '{run.name}'", hint="--npy writes it as an array")
        return repo.store.open(run.oid).blocks()
    return _checked(FileStream(repo, entry))


def tensor_array(repo: Repository, *, place: str, tensor: str) -> Array:
    """Return one tensor of the file `REV:PATH` as an array (bfloat16 and 8-bit floats widened to float32, exactly)."""
    from modelhub.porcelain.load import LoadedFile

    return LoadedFile(repo, find_file(repo, place))[tensor]


def _checked(stream: FileStream) -> Iterator[Bytes]:
    yield from stream
    stream.check()
