"""The tensors of all versions as a storage graph sees them: in one line for each name, older before newer."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modelhub.catalog.opening import open_current
from modelhub.catalog.tensor_looks import TensorLook, tensor_looks
from modelhub.errors import ModelHubError
from modelhub.formats.dtypes import dtype as find_dtype
from modelhub.porcelain.stored_casts import StoredCasts
from modelhub.repository.content import read_manifest
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.objects import Commit
from modelhub.repository.reachable import current_commits
from modelhub.repository.repository import Repository
from modelhub.repository.tensor_keeper import LEAST_NBYTES, item_of, row_items
from modelhub.repository.trees import read_files
from modelhub.store.item import Item
from modelhub.store.object_info import ObjectInfo

Seen = tuple[Item, tuple[int, ...], ObjectInfo]


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that versions have. `number` counts them so that all that one builds on now has smaller ones.

    `shape` is flat where some numbers share an item. `line` counts the places, each a path and a name, and is the first
    one that had it. `look` is None where the catalog does not know it.
    """

    number: int
    oid: str
    item: Item
    shape: tuple[int, ...]
    info: ObjectInfo
    line: int
    look: TensorLook | None

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

    They are numbered as they came, but each after what it builds on now, and where that allows it after the wider
    tensor that it is a cast of.

    Objects that are missing or damaged, or cut into blocks as no writer does today, are left out.
    """
    seen: dict[str, Seen] = {}
    uses: dict[str, list[tuple[str, str, str]]] = {}
    commits = current_commits(repo)
    remembered = commits.keys() - forgotten_versions(repo).keys()
    for commit in sorted(remembered, key=lambda oid: (commits[oid].time, oid)):
        uses[commit] = list(_tensors_of(repo, commits[commit], seen))
    looks = _looks(repo, seen)
    numbers = _numbered(repo, seen, _wider(seen, looks))
    found = StoredTensors()
    places_of: dict[tuple[str, str], int] = {}
    line_of: dict[str, int] = {}
    for places in uses.values():
        for path, name, oid in places:
            line_of.setdefault(oid, places_of.setdefault((path, name), len(places_of)))
    for oid, number in sorted(numbers.items(), key=lambda one: one[1]):
        found.tensors.append(StoredTensor(number, oid, *seen[oid], line_of[oid], looks.get(oid)))
    for commit, places in uses.items():
        found.versions[commit] = tuple(sorted({numbers[oid] for _, _, oid in places}))
        for path, name, oid in places:
            found.lines.setdefault((path, name), []).append(numbers[oid])
            found.names.setdefault(name, []).append(numbers[oid])
    for lines in (found.lines.values(), found.names.values()):
        for line in lines:
            line[:] = dict.fromkeys(line)
    return found


def _tensors_of(repo: Repository, commit: Commit, seen: dict[str, Seen]) -> Iterable[tuple[str, str, str]]:
    """Yield (path, name, oid) of each tensor of a version, having looked it up."""
    for path, entry in read_files(repo, commit.tree).items():
        manifest = None if entry.mode == "tree" else read_manifest(repo, entry)
        for segment in () if manifest is None else manifest.tensors():
            if segment.nbytes < LEAST_NBYTES:
                continue
            if segment.oid not in seen:
                try:
                    one = repo.store.open(segment.oid)
                except ModelHubError:
                    continue
                item = item_of(segment.dtype)
                if one.block_nbytes != item.block_nbytes:
                    continue
                shares_items = find_dtype(segment.dtype).block_elements > 1
                shape = (segment.nbytes // item.nbytes,) if shares_items else segment.shape
                seen[segment.oid] = item, shape, one.info
            yield path, segment.name, segment.oid


def _looks(repo: Repository, seen: Mapping[str, Seen]) -> dict[str, TensorLook]:
    """Return how these tensors look, where the catalog knows it and the store sees them as the numbers they are."""
    with open_current(repo) as connection:
        known = tensor_looks(connection)
    kinds = {oid: item.kind for oid, (item, _, _) in seen.items()}
    return {oid: known[oid, kind] for oid, kind in kinds.items() if (oid, kind) in known}


def _wider(seen: Mapping[str, Seen], looks: Mapping[str, TensorLook]) -> dict[str, str]:
    """Return for each tensor the one of a wider kind of float that it is a cast of."""
    known: dict[tuple[str, int], list[tuple[str, bytes]]] = {}
    for oid, look in looks.items():
        known.setdefault((look.dtype, _elements(seen[oid])), []).append((oid, look.sketch))
    casts = StoredCasts(lambda dtype, elements: known.get((dtype, elements), ()))
    found: dict[str, str] = {}
    for oid, look in looks.items():
        for other in casts.find(look.dtype, _elements(seen[oid]), look.sketch):
            if seen[other][0].nbytes > seen[oid][0].nbytes:
                found[oid] = other
    return found


def _elements(one: Seen) -> int:
    item, _, info = one
    return info.size // item.nbytes


def _numbered(repo: Repository, seen: Mapping[str, Seen], wider: Mapping[str, str]) -> dict[str, int]:
    """Number the objects in the order they were seen, but each after what it builds on now, and a wider tensor, with
    what that builds on, before its casts if it can be."""
    below = {oid: _below(repo, seen, oid) for oid in seen}
    rank = {oid: float(place) for place, oid in enumerate(seen)}
    for narrow, wide in wider.items():
        early = rank[narrow] - 0.5
        waiting = [wide]
        while waiting:
            oid = waiting.pop()
            if rank[oid] > early:
                rank[oid] = early
                waiting += below[oid]
    above: dict[str, list[str]] = {}
    lacking: dict[str, int] = {}
    for oid, bases in below.items():
        lacking[oid] = len(bases)
        for base in bases:
            above.setdefault(base, []).append(oid)
    ready = [(rank[oid], oid) for oid, count in lacking.items() if not count]
    heapq.heapify(ready)
    numbers: dict[str, int] = {}
    while ready:
        _, oid = heapq.heappop(ready)
        numbers[oid] = len(numbers)
        for other in above.get(oid, ()):
            lacking[other] -= 1
            if not lacking[other]:
                heapq.heappush(ready, (rank[other], other))
    return numbers


def _below(repo: Repository, seen: Mapping[str, Seen], oid: str) -> set[str]:
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
