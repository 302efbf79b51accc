"""Record what changed in the working tree: the part that `add` and `commit` share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from modelhub.errors import PathNotFound
from modelhub.porcelain.nearest import NearestTensors
from modelhub.progress import Progress
from modelhub.repository.content import read_manifest
from modelhub.repository.index import IndexEntry
from modelhub.repository.known_trees import KnownTrees, VersionFiles
from modelhub.repository.names import check_path, check_siblings
from modelhub.repository.objects import Manifest
from modelhub.repository.obstacles import PathsBelow, displaced
from modelhub.repository.repository import Repository
from modelhub.repository.snapshot import Snapshot, Snapshotter
from modelhub.repository.status import FileChange, WorkState, inspect
from modelhub.repository.tensor_keeper import KnownTensors, TensorFact, TensorKeeper

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter


class Recorded(Struct, frozen=True):
    """What was put into the store for the next index, and what was learned on the way."""

    entries: dict[str, IndexEntry]
    changes: tuple[FileChange, ...]
    unchanged: int
    raw_nbytes: int
    tensors: int
    facts: tuple[TensorFact, ...]
    warnings: tuple[str, ...]

    @property
    def tensors_shared(self) -> int:
        """How many tensors of the recorded files were stored already."""
        return self.tensors - len(self.facts)


class Recorder(Struct):
    """Records files of one repository through one writer. `declared` are further manifests to look for bases in."""

    repository: Repository
    writer: ObjectWriter
    progress: Progress
    declared: Sequence[Manifest] = field(default=())

    def record(self, paths: Sequence[str] | None) -> Recorded:
        """Record every changed file below the given paths (None: all), and forget those that were deleted.

        Raises PathNotFound where a path names nothing, UnsafePath for a name that cannot be versioned.
        """
        state = inspect(self.repository)
        chosen = sorted(_select(state, paths))
        deleted = frozenset(state.deleted)
        check_siblings((state.fresh.keys() | set(chosen)) - deleted)
        gone = {path for path in chosen if path not in state.files}
        changed = [path for path in chosen if path in state.files]
        for path in changed:
            check_path(path)
        snapshots, facts = self._snapshot(state, changed)
        entries = {path: entry for path, entry in state.fresh.items() if path not in gone}
        for other in displaced(changed, deleted - gone):
            del entries[other]
        entries |= {snapshot.path: snapshot.entry for snapshot in snapshots}
        return Recorded(
            entries=entries,
            changes=tuple(_changes(state, snapshots, sorted(gone))),
            unchanged=len(state.index.entries.keys() & state.files.keys()) - len(state.modified),
            raw_nbytes=sum(snapshot.entry.size for snapshot in snapshots),
            tensors=sum(len(snapshot.manifest.tensors()) for snapshot in snapshots if snapshot.manifest),
            facts=facts,
            warnings=tuple(_warning(item) for item in snapshots if item.problem),
        )

    def _snapshot(self, state: WorkState, changed: list[str]) -> tuple[list[Snapshot], tuple[TensorFact, ...]]:
        total = sum(state.files[path].stat.st_size for path in changed)
        self.progress.start("recording", total)
        with contextlib.closing(NearestTensors(self.repository)) as nearest:
            keeper = TensorKeeper(self.writer, KnownTensors(self._parent_manifests(), self.declared), nearest)
            snapshotter = Snapshotter(self.repository.layout.root, self.writer, keeper, self.progress)
            snapshots = [snapshotter.record(state.files[path]) for path in changed]
            return snapshots, tuple(keeper.facts)

    def _parent_manifests(self) -> Callable[[str], Manifest | None]:
        tree = self.repository.commit_tree(self.repository.refs.head_commit)
        files = None if tree is None else VersionFiles(KnownTrees(self.repository), tree)

        def at(path: str) -> Manifest | None:
            return read_manifest(self.repository, files[path]) if files is not None and path in files else None

        return at


def _warning(snapshot: Snapshot) -> str:
    kept = "a link" if snapshot.entry.mode == "link" else "plain bytes"
    return f"'{snapshot.path}' is kept as {kept}: {snapshot.problem}"


def _select(state: WorkState, paths: Sequence[str] | None) -> set[str]:
    touched = {*state.modified, *state.deleted, *state.untracked}
    if paths is None:
        return touched
    chosen: set[str] = set()
    known = PathsBelow(state.files.keys() | state.index.entries.keys())
    for path in paths:
        inside = known.of(path)
        if not inside and path:
            raise PathNotFound(f"'{path}' names no file here", hint="it may be ignored: see .mhignore and 'mh status'")
        chosen |= touched.intersection(inside)
    return chosen


def _changes(state: WorkState, snapshots: Iterable[Snapshot], gone: Iterable[str]) -> Iterator[FileChange]:
    for snapshot in snapshots:
        before = state.index.entries.get(snapshot.path)
        if before is None:
            yield FileChange("added", snapshot.path)
        elif not snapshot.entry.same_content(before):
            yield FileChange("mode" if before.oid == snapshot.entry.oid else "modified", snapshot.path)
    for path in gone:
        yield FileChange("deleted", path)
