"""Which objects a version needs, and the delta bases under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from modelhub.errors import FormatError, ModelHubError, ObjectNotFound
from modelhub.repository.content import chunk_oids
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import Commit, Entry, Manifest, Tree
from modelhub.repository.repository import Repository


@dataclass(slots=True)
class Needs:
    """Answers which objects versions need, remembering what was read. Broken objects are collected in `broken`."""

    repository: Repository
    broken: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, frozenset[str]] = field(default_factory=dict)
    _manifests: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of_commit(self, oid: str) -> frozenset[str]:
        """The objects of one version: the commit, its trees, manifests, blobs and tensors; without delta bases."""
        try:
            commit = self.repository.get(oid, Commit)
        except ModelHubError as error:
            self.broken[oid] = error.message
            return frozenset({oid})
        return self.of_tree(commit.tree) | {oid}

    def of_tree(self, oid: str) -> frozenset[str]:
        """The objects of one folder."""
        if oid not in self._trees:
            self._trees[oid] = frozenset(self._below(oid)) | {oid}
        return self._trees[oid]

    def of_file(self, entry: Entry | IndexEntry) -> tuple[str, ...]:
        """The objects of one file."""
        if entry.manifest is None:
            return (entry.oid,)
        if entry.manifest not in self._manifests:
            try:
                parts = chunk_oids(self.repository.get(entry.manifest, Manifest))
            except ModelHubError as error:
                self.broken[entry.manifest] = error.message
                parts = []
            self._manifests[entry.manifest] = (entry.manifest, *parts)
        return self._manifests[entry.manifest]

    def _below(self, tree: str) -> Iterator[str]:
        try:
            entries = self.repository.get(tree, Tree).entries
        except ModelHubError as error:
            self.broken[tree] = error.message
            return
        for entry in entries.values():
            if entry.mode == "tree":
                yield from self.of_tree(entry.oid)
            else:
                yield from self.of_file(entry)


def with_bases(repository: Repository, oids: Iterable[str], broken: dict[str, str] | None = None) -> set[str]:
    """Return the objects and every object their stored deltas build on. Objects that are missing are in the answer too.

    Where it cannot be told what an object builds on, that goes into `broken`; without one IntegrityError is raised.
    """
    found: set[str] = set()
    waiting = list(oids)
    while waiting:
        oid = waiting.pop()
        if oid in found:
            continue
        found.add(oid)
        try:
            base = repository.store.info(oid).base
        except ObjectNotFound:
            continue
        except FormatError as error:
            if broken is None:
                raise
            broken[oid] = error.message
            continue
        if base is not None:
            waiting.append(base)
    return found


def all_commits(repository: Repository, starts: Iterable[str]) -> dict[str, Commit]:
    """Return every commit that the given ones descend from, and themselves; those that cannot be read are left out."""
    found: dict[str, Commit] = {}
    waiting = list(starts)
    seen = set(waiting)
    while waiting:
        oid = waiting.pop()
        try:
            commit = repository.get(oid, Commit)
        except ModelHubError:
            continue
        found[oid] = commit
        fresh = [parent for parent in commit.parents if parent not in seen]
        seen.update(fresh)
        waiting += fresh
    return found


def current_commits(repository: Repository) -> dict[str, Commit]:
    """Return every commit that HEAD, a branch or a tag holds."""
    return all_commits(repository, repository.refs.held())
