"""Take in a git repository whose large files are kept by git-lfs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import FileIO
from pathlib import Path

from modelhub.importers.git_history import ImportedHistory, ImportRequest, import_history
from modelhub.importers.git_objects import GitObjects
from modelhub.importers.git_repository import GitRepository
from modelhub.importers.import_notes import ImportNotes
from modelhub.importers.kept_files import Facts, KeptFile, KeptThings, digest_of
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Act, Repository

_POINTER = re.compile(
    rb"version https?://(?:git-lfs\.github\.com/spec/v1|hawser\.github\.com/spec/v1|git-media\.io/v/2)\n"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d{1,18})\n*\Z"
)


class LfsStore:
    """The files that git-lfs has of a repository. As a tool it replaces pointers by what they stand for."""

    name = "git-lfs"
    advice = (
        "some contents were not in git-lfs' store, their pointers stand in their place: "
        "'git lfs fetch --all' there, then import again with --fresh"
    )

    def __init__(self, git: GitRepository) -> None:
        self._folders = list(_folders(git))

    def stand_in(self, content: bytes) -> KeptFile | None:
        """Return the file that a pointer stands for; None where the content is no pointer of version 1."""
        found = _POINTER.match(content)
        if found is None:
            return None
        oid = found["oid"].decode()
        places = (folder / oid[:2] / oid[2:4] / oid for folder in self._folders)
        place = next((place for place in places if place.is_file()), None)
        return KeptFile(f"sha256:{oid}", int(found["size"]), place, lambda handle: _sha256(handle) == oid)

    def beside(self, objects: GitObjects, tree: str) -> KeptThings:
        """Nothing: every file has a pointer in git."""
        return {}

    def facts(self, objects: GitObjects, tree: str) -> Facts:
        """Nothing: git-lfs knows of none."""
        return Facts({}, {})


def import_git_lfs(
    repo: Repository,
    *,
    act: Act,
    request: ImportRequest,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ImportedHistory:
    """Import the history of a git repository, with the files of git-lfs in the place of their pointers.

    Raises as `import_history`.
    """
    git = GitRepository.find(request.source)
    return import_history(
        repo, git, LfsStore(git), ImportNotes(), act=act, request=request, progress=progress, waiting=waiting
    )


def _folders(git: GitRepository) -> Iterator[Path]:
    """Where git-lfs keeps files: its own folder or the one that is set, then those of repositories borrowed from."""
    said = git.setting("lfs.storage")
    yield (git.common_dir / said if said else git.common_dir / "lfs") / "objects"
    try:
        lines = (git.common_dir / "objects" / "info" / "alternates").read_text("utf-8", "surrogateescape")
    except OSError:
        return
    for line in lines.splitlines():
        if line and not line.startswith("#"):
            yield (git.common_dir / "objects" / line).parent / "lfs" / "objects"


def _sha256(handle: FileIO) -> str:
    digest = sha256()
    digest_of(handle, digest.update)
    return digest.hexdigest()
