"""Store files that lie anywhere on the disk, as the files of a commit are stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelhub.errors import StateError
from modelhub.porcelain.nearest import NearestTensors
from modelhub.progress import Progress
from modelhub.repository.objects import Usage
from modelhub.repository.repository import Repository
from modelhub.repository.snapshot import Snapshotter
from modelhub.repository.tensor_keeper import KnownTensors, TensorFact, TensorKeeper
from modelhub.repository.worktree import WorkFile, open_for_reading

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file and the path under which a run has it; an input where it was read, else an output."""

    place: Path
    path: str
    is_input: bool = False
    step: int | None = None


class FileRecorder:
    """Records files through one writer, each once however many runs have it. `warnings` says what was left out."""

    def __init__(self, repository: Repository, writer: ObjectWriter, progress: Progress) -> None:
        self._nearest = NearestTensors(repository)
        self._keeper = TensorKeeper(writer, KnownTensors(lambda path: None), self._nearest)
        self._writer = writer
        self._progress = progress
        self._recorded: dict[Path, tuple[tuple[int, int], Usage]] = {}
        self._with_tensors: set[str] = set()
        self.warnings: list[str] = []

    def close(self) -> None:
        """Let go of the catalog."""
        self._nearest.close()

    @property
    def facts(self) -> tuple[TensorFact, ...]:
        """What was learned of the tensors that are new."""
        return tuple(self._keeper.facts)

    def has_tensors(self, usage: Usage) -> bool:
        """Tell whether tensors were found in a recorded file."""
        return usage.oid in self._with_tensors

    def record(self, file: ForeignFile) -> Usage | None:
        """Store a file's content; None, and a warning, where it cannot be opened.

        Raises StateError where it changes while it is read.
        """
        try:
            with open_for_reading(file.place) as handle:
                stat = os.fstat(handle.fileno())
        except (OSError, StateError):
            self.warnings.append(f"'{file.place}' was left out: it cannot be read")
            return None
        seen = (stat.st_size, stat.st_mtime_ns)
        if self._recorded.get(file.place, (None,))[0] != seen:
            self._recorded[file.place] = (seen, self._store(file.place, stat))
        found = self._recorded[file.place][1]
        return Usage(
            path=file.path, oid=found.oid, size=found.size, mode=found.mode, manifest=found.manifest, step=file.step
        )

    def _store(self, place: Path, stat: os.stat_result) -> Usage:
        snapshotter = Snapshotter(place.parent, self._writer, self._keeper, self._progress)
        snapshot = snapshotter.record(WorkFile(place.name, stat))
        entry = snapshot.entry
        if snapshot.manifest is not None and snapshot.manifest.tensors():
            self._with_tensors.add(entry.oid)
        if snapshot.problem is not None:
            self.warnings.append(f"'{place}' is kept as plain bytes: {snapshot.problem}")
        return Usage(path=place.name, oid=entry.oid, size=entry.size, mode=entry.mode, manifest=entry.manifest)


def files_below(folder: Path, root: Path, warnings: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield every file below a folder with its path in it, sorted; links are followed where they stay below `root`."""
    inside = root.resolve()
    for here, folders, names in os.walk(folder):
        links = [Path(here, name) for name in folders if os.path.islink(os.path.join(here, name))]
        warnings.extend(f"'{link}' was left out: it is a link to a folder" for link in links)
        folders.sort()
        for name in sorted(names):
            place = Path(here, name)
            path = place.relative_to(folder).as_posix()
            if place.is_symlink():
                place = place.resolve()
                if not place.is_relative_to(inside):
                    warnings.append(f"'{Path(here, name)}' was left out: it is a link that leads outside '{root}'")
                    continue
            if place.is_file():
                yield place, path
