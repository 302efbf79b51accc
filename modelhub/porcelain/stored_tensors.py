"""The tensors of all versions as a storage graph sees them: in one line for each name, older before newer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelhub.errors import ModelHubError
from modelhub.formats.dtypes import dtype as find_dtype
from modelhub.repository.content import read_manifest
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.objects import Commit
from modelhub.repository.reachable import current_commits
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import item_of, row_items
from modelhub.repository.trees import read_files
from modelhub.store.item import Item
from modelhub.store.object_info import ObjectInfo

LEAST_NBYTES = 4096
"""Smaller tensors stay as they are: naming a base would cost what the delta saves."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that versions have. `number` counts them so that all that one builds on now has smaller ones."""

    number: int
    oid: str
    item: Item
    shape: tuple[int, ...]
    info: ObjectInfo

    @property
    def elements(self) -> int:
        """How many items it has."""
        return self.info.size // self.item.nbytes

    @property
    def row_items(self) -> int:
        """The items in a row."""
        return row_items(self.shape)


@dataclass(slots=True)
class StoredTensors:
    """All of them, by number; `lines` are the numbers of each path and name as versions came; `versions` what each has.

    `names` are the numbers of each tensor name, whatever the file.
    """

    tensors: list[StoredTensor] = field(default_factory=list)
    lines: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    names: dict[str, list[int]] = field(default_factory=dict)
    versions: dict[str, tuple[int, ...]] = field(default_factory=dict)


def stored_tensors(repo: Repository) -> StoredTensors:
    """Return the tensors of every version that a ref leads to and that was not forgotten. Reads all manifests once.

    Objects that are missing or damaged, or cut into blocks as no writer does today, are left out.
    """
    seen: dict[str, tuple[Item, tuple[int, ...], ObjectInfo]] = {}
    uses: dict[str, list[tuple[str, str, str]]] = {}
    commits = current_commits(repo)
    remembered = commits.keys() - forgotten_versions(repo).keys()
    for commit in sorted(remembered, key=lambda oid: (commits[oid].time, oid)):
        uses[commit] = list(_tensors_of(repo, commits[commit], seen))
    numbers = _numbered(repo, seen)
    found = StoredTensors()
    for oid, _ in sorted(numbers.items(), key=lambda one: one[1]):
        item, shape, info = seen[oid]
        found.tensors.append(StoredTensor(numbers[oid], oid, item, shape, info))
    for commit, places in uses.items():
        found.versions[commit] = tuple(sorted({numbers[oid] for _, _, oid in places}))
        for path, name, oid in places:
            found.lines.setdefault((path, name), []).append(numbers[oid])
            found.names.setdefault(name, []).append(numbers[oid])
    for lines in (found.lines.values(), found.names.values()):
        for line in lines:
            line[:] = dict.fromkeys(line)
    return found


def _tensors_of(
    repo: Repository, commit: Commit, seen: dict[str, tuple[Item, tuple[int, ...], ObjectInfo]]
) -> Iterable[tuple[str, str, str]]:
    """Yield (path, name, oid) of each tensor of a version, having looked it up."""
    for path, entry in read_files(repo, commit.tree).items():
        manifest = None if entry.mode == "tree" else read_manifest(repo, entry)
        for segment in () if manifest is None else manifest.tensors():
            if segment.nbytes < LEAST_NBYTES or find_dtype(segment.dtype).block_elements > 1:
                continue
            if segment.oid not in seen:
                try:
                    one = repo.store.open(segment.oid)
                except ModelHubError:
                    continue
                item = item_of(segment.dtype)
                if one.block_nbytes != item.block_nbytes:
                    continue
                seen[segment.oid] = item, segment.shape, one.info
            yield path, segment.name, segment.oid


def _numbered(repo: Repository, seen: dict[str, tuple[Item, tuple[int, ...], ObjectInfo]]) -> dict[str, int]:
    """Number the objects in the order they were seen, but each after all that it builds on now."""
    numbers: dict[str, int] = {}
    for first in seen:
        waiting = [first]
        while waiting:
            oid = waiting[-1]
            below = [] if oid in numbers else [base for base in _below(repo, seen, oid) if base not in numbers]
            if below:
                waiting += below
            else:
                waiting.pop()
                numbers.setdefault(oid, len(numbers))
    return numbers


def _below(repo: Repository, seen: dict[str, tuple[Item, tuple[int, ...], ObjectInfo]], oid: str) -> set[str]:
    """Return which of these objects one builds on, be it by way of others, such as those of a forgotten version."""
    found: set[str] = set()
    passed: set[str] = set()
    waiting = list(seen[oid][2].bases)
    while waiting:
        base = waiting.pop()
        if base in seen:
            found.add(base)
        elif base not in passed:
            passed.add(base)
            with contextlib.suppress(ModelHubError):
                waiting += repo.store.open(base).info.bases
    return found
