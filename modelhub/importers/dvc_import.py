"""Take in a git repository whose large files are tracked by DVC."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modelhub.errors import FormatError
from modelhub.importers.dvc_cache import DvcCache
from modelhub.importers.dvc_facts import DvcFacts
from modelhub.importers.dvc_files import LOCK, PIPELINE, Pipeline, Tracked, is_read, read_pipeline, tracked_by
from modelhub.importers.git_history import ImportedHistory, ImportRequest, import_history
from modelhub.importers.git_lfs import LfsStore
from modelhub.importers.git_objects import GitObjects
from modelhub.importers.git_repository import GitRepository
from modelhub.importers.import_notes import ImportNotes
from modelhub.importers.kept_files import Facts, KeptFile, KeptThings
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Act, Repository

MOST_NBYTES = 1 << 26

NOT_READ = "not understood, so what they track is left out"
NO_HASH = "left out, for DVC does not track them by MD5"
OUTSIDE = "left out, for they lie outside the git repository"

Named = tuple[tuple[str, str], ...]


class DvcProject:
    """What DVC tracks in a git repository; pointers of git-lfs are replaced as well."""

    name = "dvc"
    advice = (
        "some contents were not in DVC's cache and are left out: 'dvc fetch --all-branches --all-tags --all-commits' "
        "there, then import again with --fresh"
    )

    def __init__(self, git: GitRepository, caches: Sequence[Path], notes: ImportNotes) -> None:
        self._lfs = LfsStore(git)
        self._cache = DvcCache(git.work_tree, caches)
        self._notes = notes
        self._named: dict[str, Named] = {}
        self._facts = DvcFacts(self._cache)
        self.stand_in = self._lfs.stand_in

    def beside(self, objects: GitObjects, tree: str) -> KeptThings:
        """Return the tracked files and folders of a version by path."""
        found: KeptThings = {}
        for path, tracked in self._tracked(objects, tree):
            item = self._cache.find(tracked)
            lost = isinstance(item, KeptFile) and item.place is None
            if not lost or objects.at(tree, path) is None:
                found.setdefault(path, item)
        return found

    def facts(self, objects: GitObjects, tree: str) -> Facts:
        """Return what the files of params and metrics state that dvc.yaml names."""
        named = self._below(objects, tree)
        return self._facts.of(objects, tree, named, dict(self._tracked(objects, tree)))

    def _tracked(self, objects: GitObjects, tree: str) -> Iterator[tuple[str, Tracked]]:
        named = dict(self._below(objects, tree))
        for path, sha in named.items():
            folder, name = posixpath.split(path)
            if name == PIPELINE:
                continue
            self._cache.look_near(folder)
            folders = self._pipeline(objects, named.get(posixpath.join(folder, PIPELINE))).folders
            for tracked in self._read(objects, path, sha, folders if name == LOCK else {}):
                place = posixpath.normpath(posixpath.join(folder, tracked.path))
                if place.startswith(("../", "/")) or place in ("..", "."):
                    self._notes.add(OUTSIDE, tracked.path)
                elif not tracked.md5 and not tracked.listing:
                    self._notes.add(NO_HASH, place)
                else:
                    yield place, tracked

    def _read(self, objects: GitObjects, path: str, sha: str, folders: dict[str, str]) -> list[Tracked]:
        data = objects.read_at_most(sha, MOST_NBYTES)
        try:
            return tracked_by(posixpath.basename(path), data or b"", folders)
        except FormatError:
            self._notes.add(NOT_READ, path)
            return []

    def _pipeline(self, objects: GitObjects, sha: str | None) -> Pipeline:
        data = None if sha is None else objects.read_at_most(sha, MOST_NBYTES)
        try:
            return Pipeline() if data is None else read_pipeline(data)
        except FormatError:
            return Pipeline()

    def _below(self, objects: GitObjects, tree: str) -> Named:
        """The files that DVC reads in a git tree and below it, with their ids."""
        if tree not in self._named:
            found: list[tuple[str, str]] = []
            for entry in objects.tree(tree):
                if entry.is_folder and entry.name != ".dvc":
                    found += [(f"{entry.name}/{path}", sha) for path, sha in self._below(objects, entry.sha)]
                elif not entry.is_folder and not entry.is_link and not entry.is_submodule and is_read(entry.name):
                    found.append((entry.name, entry.sha))
            self._named[tree] = tuple(found)
        return self._named[tree]


def import_dvc(
    repo: Repository,
    *,
    act: Act,
    request: ImportRequest,
    caches: Sequence[Path] = (),
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ImportedHistory:
    """Import the history of a git repository, with the files that DVC tracks at their paths.

    `caches` are looked at before the caches that DVC's settings name. Raises as `import_history`.
    """
    git, notes = GitRepository.find(request.source), ImportNotes()
    project = DvcProject(git, caches, notes)
    return import_history(repo, git, project, notes, act=act, request=request, progress=progress, waiting=waiting)
