"""The versions whose tensors are to be read progressively: repacking keeps their planes separate.

That is a wish about how this repository stores things, not a change of its history: it lies beside the operations, and
no undo concerns it. File: docs/reference/format/layout.md. Design: docs/design/012-reading-less.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from modelhub import files
from modelhub.errors import IntegrityError
from modelhub.repository.layout import Layout
from modelhub.repository.repository import Repository


class ProgressiveList(msgspec.Struct, frozen=True):
    """What `.mh/progressive` holds: commits by id, sorted."""

    versions: tuple[str, ...]


def read_progressive(layout: Layout) -> frozenset[str]:
    """Return the marked versions. Raises IntegrityError where the file is damaged."""
    try:
        return frozenset(msgspec.json.decode(_path(layout).read_bytes(), type=ProgressiveList).versions)
    except FileNotFoundError:
        return frozenset()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise IntegrityError(
            f"'{_path(layout)}' is damaged: which versions are progressive is not known",
            hint="delete it, and mark them again: mh repack --progressive REV...",
        ) from None


def is_progressive(repository: Repository, commit: str) -> bool:
    """Tell whether a version is marked; no where the list is damaged, which the next repack tells of."""
    try:
        return commit in read_progressive(repository.layout)
    except IntegrityError:
        return False


def write_progressive(layout: Layout, versions: Iterable[str]) -> None:
    """Replace the list durably. Only for the holder of the writer lock."""
    content = msgspec.json.encode(ProgressiveList(tuple(sorted(versions))), order="sorted")
    files.write_atomic(_path(layout), content, scratch=layout.scratch)


def _path(layout: Layout) -> Path:
    return layout.folder / "progressive"
