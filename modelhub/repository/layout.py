"""Where everything of a repository lies on disk. Layout: docs/reference/format/layout.md."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from modelhub.errors import FormatError, RepositoryNotFound

FOLDER = ".mh"
FORMAT = 3
"""2: commits name runs. A program that knows only format 1 would delete them as unneeded.

3: versions may be forgotten. A program that knows only format 2 would drop the list of them, and take them for damaged.
"""


class FormatFile(msgspec.Struct, frozen=True):
    """What `.mh/format` says: the version of the layout and the features a reader must know."""

    format: int
    features: tuple[str, ...] = ()


class Layout(Struct, frozen=True):
    """The paths of one repository, from the folder it versions."""

    root: Path

    @property
    def folder(self) -> Path:
        """The repository itself."""
        return self.root / FOLDER

    @property
    def format(self) -> Path:
        """The format version and features."""
        return self.folder / "format"

    @property
    def head(self) -> Path:
        """The pointer to the newest operation."""
        return self.folder / "head"

    @property
    def index(self) -> Path:
        """The staging index."""
        return self.folder / "index"

    @property
    def lock(self) -> Path:
        """The writer lock."""
        return self.folder / "lock"

    @property
    def objects(self) -> Path:
        """The object store."""
        return self.folder / "objects"

    @property
    def runs(self) -> Path:
        """The logs of runs that no version has taken in yet."""
        return self.folder / "runs"

    @property
    def scratch(self) -> Path:
        """Files under construction."""
        return self.folder / "tmp"

    @property
    def catalog(self) -> Path:
        """The derived SQLite index."""
        return self.folder / "catalog.db"

    @property
    def config(self) -> Path:
        """The settings of this repository."""
        return self.folder / "config.toml"


def find_layout(start: Path) -> Layout:
    """Return the layout of the repository at `start` or the nearest folder above it.

    Raises RepositoryNotFound, or FormatError where a newer modelhub made the repository.
    """
    for folder in (start, *start.parents):
        layout = Layout(folder)
        if layout.folder.is_dir():
            check_format(layout)
            return layout
    raise RepositoryNotFound(
        f"no modelhub repository in '{start}' or any folder above it", hint="'mh init' makes one here"
    )


def check_format(layout: Layout) -> int:
    """Return a repository's format. Raises FormatError where this version cannot read it."""
    try:
        found = msgspec.json.decode(layout.format.read_bytes(), type=FormatFile)
    except FileNotFoundError:
        raise RepositoryNotFound(
            f"'{layout.folder}' is not a finished repository: it has no format file",
            hint="'mh init' completes it",
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FormatError(f"'{layout.format}' is damaged", hint='it should read {"features":[],"format":3}') from None
    if found.format > FORMAT or found.features:
        raise FormatError(
            f"this repository has format {found.format} {list(found.features)}, this mh reads format {FORMAT}",
            hint="upgrade modelhub: pip install -U modelhub",
        )
    return found.format
