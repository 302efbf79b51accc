"""Read one file, or one tensor of a file, of any version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.oid import Bytes
from modelhub.repository.content import FileStream, find_tensor, read_manifest
from modelhub.repository.objects import Commit, Entry
from modelhub.repository.repository import Repository
from modelhub.repository.revision import resolve_place
from modelhub.repository.trees import find_entry

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array


def cat(repo: Repository, *, place: str, tensor: str | None = None) -> Iterator[Bytes]:
    """Yield the bytes of the file `REV:PATH`, or of one tensor in it, reading no more of the file than that.

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


def find_file(repo: Repository, place: str) -> Entry:
    """Return the entry of the file that `REV:PATH` names. Raises PathNotFound, InvalidInputError for a folder."""
    found = resolve_place(repo, place)
    if not found.path:
        raise InvalidInputError(f"'{place}' names no file", hint="write REV:PATH, such as HEAD:model.safetensors")
    entry = find_entry(repo, repo.get(found.commit, Commit).tree, found.path)
    if entry.mode == "tree":
        raise InvalidInputError(f"'{found.path}' is a folder", hint="'mh ls' lists what is in it")
    return entry


def _checked(stream: FileStream) -> Iterator[Bytes]:
    yield from stream
    stream.check()
