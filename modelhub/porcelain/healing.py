"""Store damaged or missing objects again from files that still lie in the folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Set

from modelhub.errors import FormatError, ModelHubError
from modelhub.formats.extent import TensorExtent
from modelhub.repository.index import IndexEntry
from modelhub.repository.objects import Entry
from modelhub.repository.reachable import Needs, current_commits
from modelhub.repository.repository import Repository
from modelhub.repository.snapshot import Snapshotter
from modelhub.repository.status import load_index
from modelhub.repository.tensor_keeper import KnownTensors, TensorFact, TensorKeeper
from modelhub.repository.trees import read_files
from modelhub.repository.worktree import WorkFile, content_oid, look


class _Nobody:
    """Finds no base: what is stored again must stand alone."""

    def find(self, extent: TensorExtent, sketch: bytes) -> list[str]:
        return []

    def casts(self, extent: TensorExtent, sketch: bytes) -> list[str]:
        return []

    def learn(self, fact: TensorFact) -> None:
        return None


def heal(repo: Repository, lost: Set[str]) -> frozenset[str]:
    """Store lost objects again from files whose content is exactly what was recorded; return those that are back.

    Every replacement is encoded and verified before the damaged copy is dropped. Killed at any point, it can be run
    again.
    """
    with repo.writing(), repo.store.writer(replacing=lost) as writer:
        keeper = TensorKeeper(writer, KnownTensors(lambda path: None), _Nobody())
        snapshotter = Snapshotter(repo.layout.root, writer, keeper)
        for file in _sources(repo, lost):
            snapshotter.record(file)
        found = frozenset(oid for oid in lost if writer.added(oid))
        if not found:
            return found
        try:
            repo.store.delete({oid for oid in found if repo.store.contains(oid)})
        except FormatError:
            return frozenset()  # a pack with further damage is left as it is
        writer.publish()
    return found


def _sources(repo: Repository, lost: Set[str]) -> Iterator[WorkFile]:
    """Yield the files of the folder that hold just what some version, or the index, has at their path."""
    wanted: dict[str, set[tuple[str, str]]] = {}
    for path, entry in _entries_needing(repo, lost):
        wanted.setdefault(path, set()).add((entry.oid, entry.mode))
    for path, contents in sorted(wanted.items()):
        file = look(repo.layout.root, path)
        if file is not None and (content_oid(repo.layout.root, file), file.mode) in contents:
            yield file


def _entries_needing(repo: Repository, lost: Set[str]) -> Iterator[tuple[str, Entry | IndexEntry]]:
    needs = Needs(repo)
    tables: list[Mapping[str, Entry | IndexEntry]] = []
    with contextlib.suppress(ModelHubError):
        tables.append(load_index(repo).entries)
    for commit in current_commits(repo).values():
        with contextlib.suppress(ModelHubError):
            tables.append(read_files(repo, commit.tree))
    for table in tables:
        for path, entry in table.items():
            if not lost.isdisjoint(needs.of_file(entry)):
                yield path, entry
