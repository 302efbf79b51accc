"""Files that a tool keeps outside git, under a hash of their content, and what such a tool says of a version."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

from modelhub.importers.git_objects import GitObjects
from modelhub.repository.objects import Mode, ParamValue
from modelhub.repository.worktree import READ_NBYTES, open_for_reading

POINTER_NBYTES = 1024
"""Only files shorter than this can stand for another."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file by the hash `key` (algorithm:digits). `place` is where it lies, None where it is not there.

    `size` is what the tool says of its length. `is_right` reads it and tells whether it has the hash.
    """

    key: str
    size: int | None
    place: Path | None
    is_right: Callable[[FileIO], bool]
    mode: Mode = "file"

    @property
    def nbytes(self) -> int:
        """How many bytes lie there."""
        try:
            return 0 if self.place is None else os.stat(self.place).st_size
        except OSError:
            return 0

    def open(self) -> FileIO | None:
        """Open it where it is there and has its hash and length; None otherwise."""
        if self.place is None:
            return None
        try:
            handle = open_for_reading(self.place)
        except OSError:
            return None
        if self.size in (None, os.fstat(handle.fileno()).st_size) and self.is_right(handle):
            handle.seek(0)
            return handle
        handle.close()
        return None


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """A folder that is tracked as one, by the hash of its listing.

    `files` reads its files by their path in it; None where the listing does not have its hash.
    """

    key: str
    files: Callable[[], dict[str, KeptFile] | None]


KeptThings = dict[str, KeptFile | KeptFolder]
"""What lies beside a git tree, by path."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The params and metrics that files of a version state."""

    params: dict[str, ParamValue]
    metrics: dict[str, float]


class KeepingTool(Protocol):
    """A tool that keeps large files outside git. What it cannot read it adds to the notes it was given."""

    name: str
    advice: str
    """What to do where files are missing."""

    def stand_in(self, content: bytes) -> KeptFile | None:
        """Return the file that a short file in git stands for."""

    def beside(self, objects: GitObjects, tree: str) -> KeptThings:
        """Return what a version has beside its git tree; what is missing and in the tree itself is left out."""

    def facts(self, objects: GitObjects, tree: str) -> Facts:
        """Return the params and metrics of a version."""


def digest_of(handle: FileIO, update: Callable[[bytes], object], nbytes: int = READ_NBYTES) -> None:
    """Feed a file to a hash block by block, from its beginning."""
    handle.seek(0)
    while block := handle.read(nbytes):
        update(block)
