"""List the files of a version, and the tensors of a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.repository.content import read_manifest
from modelhub.repository.objects import Commit
from modelhub.repository.repository import Repository
from modelhub.repository.revision import resolve, resolve_place
from modelhub.repository.trees import find_entry, read_files


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of a version. `format` is None for a plain file, `tensors` counts what was found in it."""

    path: str
    mode: str
    size: int
    oid: str
    format: str | None
    tensors: int


@dataclass(frozen=True, slots=True)
class ListedTensor:
    """One tensor of a file; `alias_of` names the tensor whose bytes a further name shares."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    elements: int
    nbytes: int
    oid: str
    alias_of: str | None


def ls(repo: Repository, *, revision: str = "HEAD", paths: Sequence[str] = ()) -> tuple[ListedFile, ...]:
    """Return the files of a revision, below the given paths where there are any. Raises PathNotFound, RefNotFound."""
    files = read_files(repo, repo.commit_tree(resolve(repo, revision)))
    for path in paths:
        if path and not any(name == path or name.startswith(path + "/") for name in files):
            raise PathNotFound(f"'{path}' is not in '{revision}'", hint=f"'mh ls {revision}' lists its files")
    listed = []
    for name, entry in sorted(files.items()):
        if paths and not any(path in ("", name) or name.startswith(path + "/") for path in paths):
            continue
        manifest = read_manifest(repo, entry)
        tensors = 0 if manifest is None else len(manifest.tensors())
        listed.append(
            ListedFile(name, entry.mode, entry.size, entry.oid, None if manifest is None else manifest.format, tensors)
        )
    return tuple(listed)


def list_tensors(repo: Repository, *, place: str) -> tuple[ListedTensor, ...]:
    """Return the tensors of the file `REV:PATH` in file order, further names after them."""
    found = resolve_place(repo, place)
    if not found.path:
        raise InvalidInputError(f"'{place}' names no file", hint="write REV:PATH, such as HEAD:model.safetensors")
    manifest = read_manifest(repo, find_entry(repo, repo.get(found.commit, Commit).tree, found.path))
    if manifest is None:
        return ()
    runs = manifest.tensors()
    listed = [
        ListedTensor(run.name, run.dtype, run.shape, math.prod(run.shape), run.nbytes, run.oid, None) for run in runs
    ]
    for view in manifest.views:
        run = runs[view.run]
        listed.append(ListedTensor(view.name, view.dtype, view.shape, math.prod(view.shape), 0, run.oid, run.name))
    return tuple(listed)
