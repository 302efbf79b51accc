"""Read one file, one tensor of a file, or some of its rows, of any version or run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.oid import Bytes
from modelhub.porcelain.load import LoadedFile, read_region, region_of
from modelhub.porcelain.places import find_file
from modelhub.repository.content import FileStream, find_tensor, read_manifest
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array
    from modelhub.weights.bounds import Bounds


def cat(repo: Repository, *, place: str, tensor: str | None = None, rows: slice | None = None) -> Iterator[Bytes]:
    """Yield the bytes of the file `REV:PATH` or `RUN:PATH`, of a tensor in it, or of `rows` of that, and read no more.

    Each block is checked before it is yielded, the whole at the end (IntegrityError). Raises PathNotFound, RefNotFound,
    InvalidInputError where the bytes of a tensor or its rows do not lie together.
    """
    entry = find_file(repo, place)
    if tensor is None:
        return _checked(FileStream(repo, entry))
    segment, view = find_tensor(read_manifest(repo, entry), tensor)
    if view is not None and view.shape != segment.shape:
        raise InvalidInputError(f"'{tensor}' is a view into '{segment.name}'", hint="--npy writes it as an array")
    if rows is None:
        return repo.store.open(segment.oid).blocks()
    region = region_of(segment, None).rows(rows)
    if region.strides is not None or region.step != 1:
        raise InvalidInputError(f"these rows of '{tensor}' do not lie together", hint="--npy writes them as an array")
    return iter([read_region(repo.store, segment.oid, region)])


def tensor_array(repo: Repository, *, place: str, tensor: str, rows: slice | None = None) -> Array:
    """Return a tensor of the file `REV:PATH`, or some of its rows, as an array.

    bfloat16 and 8-bit floats are widened to float32, exactly. Raises as `cat`.
    """
    return LoadedFile(repo, find_file(repo, place), tensors=[tensor], rows=rows)[tensor]


def tensor_bounds(repo: Repository, *, place: str, tensor: str, precision: int, rows: slice | None = None) -> Bounds:
    """Return between which numbers those of a tensor lie, by the `precision` high-order bytes of each.

    Raises as `cat`, and InvalidInputError for a precision below 1.
    """
    return LoadedFile(repo, find_file(repo, place), tensors=[tensor], rows=rows).bounds(tensor, precision)


def parse_rows(text: str) -> slice:
    """Return the rows that 'A:B' names, as in Python: ends may be left out, and count from the end where negative.

    Raises InvalidInputError.
    """
    first, colon, last = text.partition(":")
    try:
        if colon:
            return slice(*(int(end) if end.strip() else None for end in (first, last)))
    except ValueError:
        pass
    raise InvalidInputError(f"'{text}' names no rows", hint="for example --rows 0:100, or --rows -5: for the last five")


def _checked(stream: FileStream) -> Iterator[Bytes]:
    yield from stream
    stream.check()
