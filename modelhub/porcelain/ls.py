"""List the files of a version or a run, and the tensors of a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelhub.errors import PathNotFound
from modelhub.porcelain.places import files_of, locate
from modelhub.repository.content import read_manifest
from modelhub.repository.repository import Repository


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
    """Return the files of a version, or what is kept of a run, below the given paths where there are any.

    Raises PathNotFound, RefNotFound.
    """
    files = files_of(repo, revision)
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
    """Return the tensors of the file `REV:PATH` or `RUN:PATH` in file order, further names after them."""
    manifest = read_manifest(repo, locate(repo, place).entry(repo))
    if manifest is None:
        return ()
    runs = manifest.tensors()
    listed = [
        ListedTensor(run.name, run.dtype, run.shape, math.prod(run.shape), run.nbytes, run.oid, None) for run in runs
    ]
    for view in manifest.views:
        run = runs[view.segment]
        listed.append(ListedTensor(view.name, view.dtype, view.shape, math.prod(view.shape), 0, run.oid, run.name))
    return tuple(listed)
