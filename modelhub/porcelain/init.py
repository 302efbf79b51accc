"""Make a repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelhub import files
from modelhub.catalog.ingest import catch_up
from modelhub.errors import InvalidInputError, RepositoryNotFound, StateError
from modelhub.porcelain.git import git_output
from modelhub.repository.layout import FOLDER, Layout, check_format
from modelhub.repository.names import check_ref_name
from modelhub.repository.repository import FIRST_BRANCH, Act, Repository


@dataclass(frozen=True, slots=True)
class InitResult:
    """The folder that is versioned now; `created` is False where it was before, `beside_git` where git skips `.mh`."""

    root: Path
    created: bool
    beside_git: bool


def init(folder: Path, *, act: Act, branch: str = FIRST_BRANCH) -> InitResult:
    """Make a repository in a folder, and the folder if needed. An existing one is left, an unfinished one completed."""
    check_ref_name(branch)
    if folder.exists() and not folder.is_dir():
        raise InvalidInputError(f"'{folder}' is a file", hint="name a folder")
    try:
        created = not _exists(Layout(folder))
        if created:
            catch_up(Repository.create(folder, act, branch=branch))
        return InitResult(folder, created, _exclude_from_git(folder))
    except OSError as error:
        raise StateError(
            f"no repository can be made in '{folder}': {error.strerror}", hint="check its rights"
        ) from None


def _exists(layout: Layout) -> bool:
    try:
        check_format(layout)
    except RepositoryNotFound:
        return False
    return True


def _exclude_from_git(folder: Path) -> bool:
    """Name `.mh` in the exclude file of the git repository that the folder is in (its top, below it, or a worktree)."""
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return False
    common, prefix = (
        git_output(folder, "rev-parse", "--git-common-dir"),
        git_output(folder, "rev-parse", "--show-prefix"),
    )
    if common is None or prefix is None:
        return False
    info = (folder / common).resolve() / "info"
    files.make_folders(info)
    exclude = info / "exclude"
    text = exclude.read_text("utf-8", "surrogateescape") if exclude.exists() else ""
    line = f"/{prefix}{FOLDER}/"
    if line not in text.splitlines():
        text += ("" if not text or text.endswith("\n") else "\n") + line + "\n"
        files.write_atomic(exclude, text.encode("utf-8", "surrogateescape"), scratch=info)
    return True
