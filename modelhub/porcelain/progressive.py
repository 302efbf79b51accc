"""Mark versions as progressive, and take the marks off again; `mh repack` then stores their tensors as that asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelhub.porcelain.named_versions import named_versions
from modelhub.porcelain.stored_tensors import StoredTensors
from modelhub.repository.forgotten import forgotten_versions, version_forgotten
from modelhub.repository.progressive import read_progressive, write_progressive
from modelhub.repository.repository import Repository
from modelhub.store.item import FLOAT_KINDS


@dataclass(frozen=True, slots=True)
class MarkChange:
    """Which versions are to be marked, and which to lose the mark: commits by id."""

    marked: frozenset[str] = frozenset()
    unmarked: frozenset[str] = frozenset()


def mark_change(repo: Repository, marked: Sequence[str], unmarked: Sequence[str]) -> MarkChange:
    """Return the versions that these revisions and ranges name. Raises RefNotFound, VersionForgotten."""
    change = MarkChange(*(frozenset(named_versions(repo, texts).commits) for texts in (marked, unmarked)))
    forgotten = forgotten_versions(repo)
    for commit in sorted(change.marked & forgotten.keys()):
        raise version_forgotten(commit, forgotten[commit], gone=False)
    return change


def changed_marks(repo: Repository, change: MarkChange, *, dry_run: bool) -> frozenset[str]:
    """Return the versions that are marked after a change, which is made durable unless `dry_run`.

    Marks of versions that gc has taken go on the way. For the holder of the writer lock.
    """
    known = read_progressive(repo.layout)
    marks = frozenset(oid for oid in (known | change.marked) - change.unmarked if repo.kind_of(oid) == "commit")
    if marks != known and not dry_run:
        write_progressive(repo.layout, marks)
    return marks


def separate_tensors(known: StoredTensors, marks: Iterable[str]) -> frozenset[int]:
    """Return the numbers of the tensors whose planes are to be separate: the floats of marked versions."""
    return frozenset(
        number
        for commit in marks
        for number in known.versions.get(commit, ())
        if known.tensors[number].item.kind in FLOAT_KINDS
    )
