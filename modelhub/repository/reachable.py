"""Which objects a version needs, and the delta bases under them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from msgspec import Struct, field

from modelhub.errors import FormatError, ModelHubError, ObjectNotFound
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import chunk_oids
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import CodeState, Commit, Entry, Manifest, Run, T, Tree, Usage
from modelhub.repository.repository import Repository


class Needs(Struct):
    """Answers which objects versions need, remembering what was read. Broken objects are collected in `broken`.

    Without `contents` of a file with a manifest only that is needed, not its tensors or chunks: all that must stay of
    a forgotten version. What such a one marked must be kept apart from what one with `contents` did.
    """

    repository: Repository
    contents: bool = True
    broken: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, frozenset[str]] = field(default_factory=dict)
    _manifests: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of_commit(self, oid: str) -> frozenset[str]:
        """The objects of a version: the commit, its trees, manifests, blobs, tensors and runs; without delta bases."""
        commit = self._read(oid, Commit)
        if commit is None:
            return frozenset({oid})
        found = {oid, *_attached(commit.packages, commit.code), *self.of_tree(commit.tree)}
        for item in commit.runs:
            found.add(item)
            run = self._read(item, Run)
            if run is not None:
                found.update(self._of_run(run), () if run.tree is None else self.of_tree(run.tree))
        return frozenset(found)

    def mark(self, oid: str, found: set[str]) -> None:
        """Add the objects of one version to `found`. A folder that is in it already is taken as marked whole."""
        found.add(oid)
        commit = self._read(oid, Commit)
        if commit is None:
            return
        found.update(_attached(commit.packages, commit.code))
        self._mark_tree(commit.tree, found)
        for item in commit.runs:
            if item not in found:
                found.add(item)
                run = self._read(item, Run)
                if run is not None:
                    self.mark_run(run, found)

    def mark_run(self, run: Run, found: set[str]) -> None:
        """Add what a run needs: its points, output, files, and the folder it was started from."""
        found.update(self._of_run(run))
        if run.tree is not None:
            self._mark_tree(run.tree, found)

    def _of_run(self, run: Run) -> Iterator[str]:
        yield from (oid for oid in (run.points, run.stdout, run.stderr) if oid is not None)
        yield from _attached(run.packages, run.code)
        for usage in (*run.inputs, *run.outputs):
            if usage.kept:
                yield from self._of_usage(usage)

    def _of_usage(self, usage: Usage) -> Iterable[str]:
        if usage.mode == "tree":
            return self.of_tree(usage.oid)
        return self.of_file(Entry(usage.mode, usage.oid, usage.size, usage.manifest))

    def _mark_tree(self, top: str, found: set[str]) -> None:
        waiting = [top]
        while waiting:
            tree = waiting.pop()
            if tree not in found:
                found.add(tree)
                waiting += self._mark_files(tree, found)

    def of_tree(self, oid: str) -> frozenset[str]:
        """The objects of one folder."""
        if oid not in self._trees:
            self._trees[oid] = frozenset(self._below(oid)) | {oid}
        return self._trees[oid]

    def of_file(self, entry: Entry | IndexEntry) -> tuple[str, ...]:
        """The objects of one file."""
        if entry.manifest is None:
            return (entry.oid,)
        if not self.contents:
            return (entry.manifest,)
        if entry.manifest not in self._manifests:
            manifest = self._read(entry.manifest, Manifest)
            parts = [] if manifest is None else chunk_oids(manifest)
            self._manifests[entry.manifest] = (entry.manifest, *parts)
        return self._manifests[entry.manifest]

    def _below(self, tree: str) -> Iterator[str]:
        found = self._read(tree, Tree)
        for entry in () if found is None else found.entries.values():
            if entry.mode == "tree":
                yield from self.of_tree(entry.oid)
            else:
                yield from self.of_file(entry)

    def _mark_files(self, tree: str, found: set[str]) -> list[str]:
        """Mark the files of one folder and return the folders in it."""
        folder = self._read(tree, Tree)
        entries = [] if folder is None else folder.entries.values()
        for entry in entries:
            if entry.mode != "tree":
                found.update(self.of_file(entry))
        return [entry.oid for entry in entries if entry.mode == "tree"]

    def _read(self, oid: str, kind: type[T]) -> T | None:
        try:
            return self.repository.get(oid, kind)
        except ModelHubError as error:
            self.broken[oid] = error.message
            return None


def _attached(packages: str | None, code: CodeState | None) -> Iterator[str]:
    yield from (oid for oid in (packages, None if code is None else code.diff) if oid is not None)


def with_bases(
    repository: Repository,
    oids: Iterable[str],
    broken: dict[str, str] | None = None,
    known: dict[str, tuple[str, ...]] | None = None,
) -> set[str]:
    """Return the objects and every object their stored deltas build on. Objects that are missing are in the answer too.

    Where it cannot be told what an object builds on, that goes into `broken`; without one IntegrityError is raised.
    `known` remembers bases from call to call.
    """
    known = {} if known is None else known
    found: set[str] = set()
    waiting = list(oids)
    while waiting:
        oid = waiting.pop()
        if oid in found:
            continue
        found.add(oid)
        try:
            if oid not in known:
                known[oid] = repository.store.info(oid).bases
        except ObjectNotFound:
            continue
        except FormatError as error:
            if broken is None:
                raise
            broken[oid] = error.message
            continue
        waiting += known[oid]
    return found


def mark_versions(
    needs: Needs, commits: Iterable[str], forgotten: Container[str], found: set[str], progress: Progress = SILENT
) -> set[str]:
    """Add to `found` what these versions need, and return what the forgotten ones among them do, which is less."""
    bones = Needs(needs.repository, contents=False, broken=needs.broken)
    left: set[str] = set()
    for oid in commits:
        if oid in forgotten:
            bones.mark(oid, left)
        else:
            needs.mark(oid, found)
        progress.advance(1)
    return left


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
