"""The two sides of a diff: a recorded version, or the folder as it is, behind one contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from modelhub.formats.extent import TensorExtent
from modelhub.oid import Bytes, Kind, oid_of
from modelhub.repository.content import read_manifest
from modelhub.repository.objects import Commit, Entry, Manifest, TensorSegment
from modelhub.repository.read_ahead import Stretch
from modelhub.repository.repository import Repository
from modelhub.repository.segment_recorder import FileReader
from modelhub.repository.snapshot import Snapshotter
from modelhub.repository.status import inspect, load_index
from modelhub.repository.tensor_keeper import item_of
from modelhub.repository.trees import Files, read_files
from modelhub.repository.worktree import WorkFile, open_for_reading


class Side(Protocol):
    """One side of a diff."""

    label: str
    files: Files
    commit_id: str | None

    def commit(self) -> Commit | None:
        """The commit, where this side is one."""

    def manifest(self, path: str) -> Manifest | None:
        """How a file is put together; None for a plain file."""

    def blocks(self, path: str, segment: TensorSegment) -> Iterator[Bytes]:
        """The bytes of one tensor of a file, in the store's blocks."""


class VersionSide:
    """A commit, or the index."""

    def __init__(self, repo: Repository, label: str, files: Files, commit: str | None = None) -> None:
        self.label = label
        self.files = files
        self.commit_id = commit
        self._repo = repo

    def commit(self) -> Commit | None:
        """The commit, where this side is one."""
        return None if self.commit_id is None else self._repo.get(self.commit_id, Commit)

    def manifest(self, path: str) -> Manifest | None:
        """How a file is put together; None for a plain file."""
        return read_manifest(self._repo, self.files[path])

    def blocks(self, path: str, segment: TensorSegment) -> Iterator[Bytes]:
        """The bytes of one tensor."""
        return self._repo.store.open(segment.oid).blocks()


class FolderSide:
    """The working tree: files that changed since they were recorded are read where they lie."""

    label = "working tree"
    commit_id: str | None = None

    def __init__(self, repo: Repository) -> None:
        state = inspect(repo)
        self._repo = repo
        self._changed = {path: state.files[path] for path in state.modified}
        self._manifests: dict[str, Manifest | None] = {}
        self.files: Files = {}
        for path, entry in state.fresh.items():
            if path in self._changed:
                self.files[path] = self._read(self._changed[path])
            elif path not in state.deleted:
                self.files[path] = entry.entry()

    def commit(self) -> Commit | None:
        """No commit: the folder is not recorded."""
        return None

    def manifest(self, path: str) -> Manifest | None:
        """How a file is put together; None for a plain file."""
        return self._manifests[path] if path in self._changed else read_manifest(self._repo, self.files[path])

    def blocks(self, path: str, segment: TensorSegment) -> Iterator[Bytes]:
        """The bytes of one tensor, from the file where it is not recorded."""
        manifest = self.manifest(path)
        if path not in self._changed or manifest is None:
            return self._repo.store.open(segment.oid).blocks()
        return self._read_blocks(path, _offset_of(manifest, segment), segment)

    def _read(self, file: WorkFile) -> Entry:
        snapshot = Snapshotter(self._repo.layout.root, _HashOnly(), _KeepNothing()).record(file)
        self._manifests[file.path] = snapshot.manifest
        return snapshot.entry.entry()

    def _read_blocks(self, path: str, start: int, segment: TensorSegment) -> Iterator[Bytes]:
        step = item_of(segment.dtype).block_nbytes
        with open_for_reading(self._repo.layout.root / path) as handle:
            reader = FileReader(path, handle, self.files[path].size)
            for offset in range(0, segment.nbytes, step):
                yield reader.read(start + offset, min(step, segment.nbytes - offset))


def _offset_of(manifest: Manifest, wanted: TensorSegment) -> int:
    offset = 0
    for segment in manifest.segments:
        if segment is wanted:
            break
        offset += segment.nbytes
    return offset


class _HashOnly:
    """A writer that names objects and stores nothing."""

    def put(self, data: bytes, kind: Kind = "blob") -> str:
        return oid_of(data, kind)


class _KeepNothing:
    """A tensor keeper that stores nothing."""

    def keep(self, path: str, extent: TensorExtent, stretch: Stretch) -> None:
        return None


def index_side(repo: Repository) -> VersionSide:
    """The staged files as a side."""
    files = {path: entry.entry() for path, entry in load_index(repo).entries.items()}
    return VersionSide(repo, "index", files)


def commit_side(repo: Repository, label: str, commit: str | None) -> VersionSide:
    """A commit as a side; None is the empty version before the first."""
    return VersionSide(repo, label, read_files(repo, repo.commit_tree(commit)), commit)
