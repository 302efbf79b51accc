"""Files of versions and of other runs as the inputs of a run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelhub.errors import InvalidInputError, PathNotFound, RefNotFound
from modelhub.files import WorkFolder, make_folders
from modelhub.porcelain.places import holding_version, locate
from modelhub.repository.content import FileStream, read_file
from modelhub.repository.names import check_path, stays_inside
from modelhub.repository.objects import Entry, Usage
from modelhub.repository.repository import Repository
from modelhub.repository.trees import read_files
from modelhub.tracking.hashing import hash_entry, hash_place, total

if TYPE_CHECKING:
    from modelhub.porcelain.find_run import FoundRun

INPUTS = "inputs"

_HEAD = re.compile(r"(?:HEAD|@)?(?=[~^:]|$)")


def as_then(text: str, head: str | None) -> str:
    """Return a place with `head` for HEAD, where that is given."""
    if head is None or not _HEAD.match(text):
        return text
    return _HEAD.sub(head, text, count=1)


def version_usage(repository: Repository, text: str, head: str | None = None) -> Usage:
    """Return the usage of `REV:PATH` or `RUN:PATH`, where HEAD is `head` if that is given.

    Raises PathNotFound, RefNotFound, InvalidInputError where no path is named.
    """
    text = as_then(text, head)
    try:
        located = locate(repository, text)
    except RefNotFound as error:
        raise PathNotFound(
            f"there is no '{text}': no such file, and {error.message}", hint="an input is a path, or REV:PATH"
        ) from None
    path, entry = located.path, located.entry(repository)
    if located.run is not None:
        return _run_usage(repository, located.run, path, entry)
    size = total(read_files(repository, entry.oid)) if entry.mode == "tree" else entry.size
    return Usage(path, entry.oid, size, entry.mode, entry.manifest, source_commit=located.commit, source_path=path)


def _run_usage(repository: Repository, run: FoundRun, path: str, entry: Entry) -> Usage:
    """Return the usage of a file of a run, as taken from the version that has it if one does."""
    if entry.mode == "tree":
        raise InvalidInputError(f"'{path}' is a folder of a run", hint="name one file of it")
    usage = Usage(path, entry.oid, entry.size, entry.mode, entry.manifest)
    place = holding_version(repository, run, path, entry)
    if place is None:
        return usage
    return msgspec.structs.replace(usage, source_commit=place.commit, source_path=place.path or "")


def readable_place(repository: Repository, usage: Usage, root: Path, folder: Path) -> Path:
    """Return where a file of a version can be read: in the folder `root` if it lies there as it was.

    Otherwise it is written, verified, into a folder below `folder`.
    """
    here = root / usage.path
    if here.exists() and _is_as_recorded(repository, here, usage):
        return here
    check_path(usage.path)
    name = usage.path.rpartition("/")[2]
    place = folder / INPUTS / usage.oid[:16]
    make_folders(place)
    if usage.mode == "tree":
        found = read_files(repository, usage.oid, f"{name}/")
    else:
        found = {name: Entry(usage.mode, usage.oid, usage.size, usage.manifest)}
    write_files(repository, found, place, place)
    return place / name


def _is_as_recorded(repository: Repository, here: Path, usage: Usage) -> bool:
    if usage.mode != "tree":
        return here.is_file() and here.stat().st_size == usage.size and hash_place(here, usage.path).oid == usage.oid
    files = read_files(repository, usage.oid)
    return here.is_dir() and all(
        os.path.lexists(here / path) and hash_entry(here, path).oid == entry.oid for path, entry in files.items()
    )


def write_files(repository: Repository, files: dict[str, Entry], folder: Path, scratch: Path) -> None:
    """Write recorded files into a folder, each verified before it gets its name; links that lead outside are left out.

    `scratch` holds files under construction.
    """
    work = WorkFolder(folder, scratch)
    for path, entry in files.items():
        check_path(path)
        if entry.mode == "link":
            target = read_file(repository, entry).decode("utf-8", "surrogateescape")
            if stays_inside(path, target):
                work.write_link(path, target)
        else:
            stream = FileStream(repository, entry)
            work.write(path, iter(stream), executable=entry.mode == "exec", check=stream.check)
