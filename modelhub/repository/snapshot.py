"""Turn a file of the working tree into objects: a blob, chunks, or a manifest with its tensors."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

from msgspec import Struct

from modelhub.errors import UnsupportedModelFile
from modelhub.formats.detect import read_model
from modelhub.progress import SILENT, Progress
from modelhub.repository.index import IndexEntry
from modelhub.repository.names import stays_inside
from modelhub.repository.objects import Manifest, encode
from modelhub.repository.segment_recorder import (
    WHOLE_NBYTES,
    FileReader,
    Keeper,
    Putter,
    SegmentRecorder,
    changed_while_read,
)
from modelhub.repository.worktree import WorkFile, mode_of, open_for_reading


class Snapshot(Struct, frozen=True):
    """One file as it was recorded. `problem` says what will not be as expected."""

    path: str
    entry: IndexEntry
    manifest: Manifest | None
    problem: str | None


class Snapshotter:
    """Records files through one writer."""

    def __init__(self, root: Path, writer: Putter, keeper: Keeper, progress: Progress = SILENT) -> None:
        self._root = root
        self._writer = writer
        self._keeper = keeper
        self._progress = progress

    def record(self, file: WorkFile) -> Snapshot:
        """Store a file's content. Raises StateError where it cannot be read or changes meanwhile."""
        if file.mode == "link":
            return self._record_link(file)
        with open_for_reading(self._root / file.path) as handle:
            return self.record_open(file.path, handle)

    def record_open(self, path: str, handle: FileIO) -> Snapshot:
        """Store what an open file holds as the content of `path`, wherever it lies. Raises as `record`."""
        before = os.fstat(handle.fileno())
        manifest, oid, problem = self._record_content(path, FileReader(path, handle, before.st_size))
        after = os.fstat(handle.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise changed_while_read(path)
        manifest_oid = None if manifest is None else self._writer.put(encode(manifest), "manifest")
        entry = IndexEntry(mode_of(before), oid, before.st_size, manifest_oid).seen(before)
        return Snapshot(path, entry, manifest, problem)

    def _record_link(self, file: WorkFile) -> Snapshot:
        target = os.fsencode(os.readlink(self._root / file.path))
        entry = IndexEntry("link", self._writer.put(target), len(target)).seen(file.stat)
        inside = stays_inside(file.path, os.fsdecode(target))
        return Snapshot(
            file.path, entry, None, None if inside else "it leads outside the folder, so no checkout makes it"
        )

    def _record_content(self, path: str, reader: FileReader) -> tuple[Manifest | None, str, str | None]:
        model, problem = None, None
        try:
            model = read_model(path, reader)
        except UnsupportedModelFile as error:
            problem = error.message
        if reader.size <= WHOLE_NBYTES and problem is None and (model is None or not model.extents):
            data = reader.read(0, reader.size)
            self._progress.advance(len(data))
            return None, self._writer.put(data), None
        with SegmentRecorder(path, reader, self._writer, keeper=self._keeper, progress=self._progress) as recorder:
            manifest = recorder.record(model, problem)
        return manifest, manifest.file, problem
