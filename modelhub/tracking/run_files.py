"""The files of the folder that a run works in: recorded as they are when they are named."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelhub.errors import PathNotFound
from modelhub.files import WorkFolder
from modelhub.oid import Bytes
from modelhub.porcelain.nearest import NearestTensors
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import read_manifest
from modelhub.repository.ignore import IGNORE_FILE, IgnoreRules
from modelhub.repository.objects import Commit, Entry, Manifest, Usage
from modelhub.repository.repository import Repository
from modelhub.repository.revision import Place
from modelhub.repository.snapshot import Snapshotter
from modelhub.repository.tensor_keeper import KnownTensors, TensorKeeper
from modelhub.repository.trees import Files, find_entry, read_files, write_tree
from modelhub.repository.worktree import look
from modelhub.tracking.hashing import hash_place, names_below, total

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

NONE: Files = {}


class RunFiles:
    """Records files of one folder into a repository's store; for a replay the folder is not the repository's own.

    `known` are the files of the folder when the run started. `head` is what HEAD stands for in a replay.
    """

    def __init__(
        self, repository: Repository, root: Path, known: Files, sources: Sequence[Place] = (), head: str | None = None
    ) -> None:
        self.repository = repository
        self.root = root
        self.head = head if self.is_replay else None
        self._known = known
        self._sources = sources
        self._latest: dict[str, Manifest | None] = {}

    @property
    def is_replay(self) -> bool:
        """The folder only stands for the repository's own."""
        return self.root != self.repository.layout.root

    def inside(self, place: Path) -> str | None:
        """Return a path as the repository names it; None for what lies outside the folder."""
        typed = Path(os.path.normpath(place))
        for candidate in (typed, typed.parent.resolve() / typed.name):
            for top in (self.root, self.root.resolve()):
                if candidate != top and candidate.is_relative_to(top):
                    return candidate.relative_to(top).as_posix()
        return None

    def input_usage(self, place: Path, writer: ObjectWriter, *, just_begun: bool = False) -> Usage:
        """Return the usage of something the run reads: kept where a version of the folder would hold it.

        What is ignored, lies outside or is reached through a link is only hashed. `just_begun`: the known files are
        still as they were, so none is read again. Raises PathNotFound.
        """
        path = self.inside(place)
        if path is None:
            return hash_place(place, str(place))
        if look(self.root, path) is None and not self._is_own_folder(path):
            return hash_place(place, path)
        below = self._below(path)
        kept = [name for name in below if name in self._known or not self._is_ignored(name)]
        if not kept or len(kept) < len(below):
            return hash_place(place, path)
        return self._keep(path, below, writer, known=self._known if just_begun else {})

    def output_usage(self, place: Path, writer: ObjectWriter, *, step: int | None = None) -> Usage:
        """Return the usage of something the run wrote: always kept inside the folder, ignored or not.

        Raises PathNotFound. Outside the folder it is only hashed.
        """
        path = self.inside(place)
        if not os.path.lexists(place):
            raise PathNotFound(f"there is no '{path or place}'", hint="what a run wrote is kept once it is there")
        if path is None or (look(self.root, path) is None and not self._is_own_folder(path)):
            usage = hash_place(place, path or str(place))
        else:
            usage = self._keep(path, self._below(path), writer)
        return msgspec.structs.replace(usage, step=step)

    def write(self, path: str, blocks: Iterator[Bytes]) -> None:
        """Write a file of the folder in one step. For the holder of the writer lock."""
        work = WorkFolder(self.root, self.repository.layout.scratch)
        work.write(path, blocks, executable=False, check=lambda: None)

    def _is_own_folder(self, path: str) -> bool:
        place = self.root / path
        return place.is_dir() and place.resolve() == self.root.resolve() / path

    def _below(self, path: str) -> list[str]:
        if not (self.root / path).is_dir():
            return [path]
        return [f"{path}/{name}" for name in names_below(self.root / path)]

    def _keep(self, path: str, names: Sequence[str], writer: ObjectWriter, known: Mapping[str, Entry] = NONE) -> Usage:
        fresh = [name for name in names if name not in known]
        recorded = dict(zip(fresh, self._record(fresh, writer), strict=True))
        found = {name: recorded.get(name) or known[name] for name in names}
        if list(found) == [path]:
            entry = found[path]
            return Usage(path, entry.oid, entry.size, entry.mode, entry.manifest)
        files = {name.removeprefix(f"{path}/"): entry for name, entry in found.items()}
        return Usage(path, write_tree(writer, files), total(files), "tree")

    def _record(self, names: Sequence[str], writer: ObjectWriter, progress: Progress = SILENT) -> Iterator[Entry]:
        with contextlib.closing(NearestTensors(self.repository)) as nearest:
            declared = (manifest for place in self._sources for manifest in self._manifests_at(place))
            keeper = TensorKeeper(writer, KnownTensors(self._manifest_at, declared), nearest)
            snapshotter = Snapshotter(self.root, writer, keeper, progress)
            for name in names:
                file = look(self.root, name)
                if file is None:
                    raise PathNotFound(f"there is no '{name}'")
                snapshot = snapshotter.record(file)
                self._latest[name] = snapshot.manifest
                yield snapshot.entry.entry()

    def _manifest_at(self, path: str) -> Manifest | None:
        """Return how a file was last: as this run logged it before, else as it was when the run started."""
        if path not in self._latest:
            entry = self._known.get(path)
            self._latest[path] = None if entry is None else read_manifest(self.repository, entry)
        return self._latest[path]

    def _manifests_at(self, place: Place) -> Iterator[Manifest]:
        tree = self.repository.get(place.commit, Commit).tree
        top = find_entry(self.repository, tree, place.path) if place.path else Entry("tree", tree, 0)
        files = read_files(self.repository, top.oid) if top.mode == "tree" else {"": top}
        for entry in files.values():
            manifest = read_manifest(self.repository, entry)
            if manifest is not None:
                yield manifest

    def _is_ignored(self, path: str) -> bool:
        """Tell whether a version of the folder would leave the file out."""
        rules, prefix = IgnoreRules(), ""
        *folders, name = path.split("/")
        for folder in ("", *folders):
            if folder:
                if rules.ignores(prefix + folder, folder=True):
                    return True
                prefix += f"{folder}/"
            with contextlib.suppress(OSError):
                rules = rules.below(prefix, (self.root / prefix / IGNORE_FILE).read_text("utf-8", "replace"))
        return rules.ignores(prefix + name, folder=False)
