"""Move the refs after an import, and the folder where HEAD moves with them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from modelhub import files
from modelhub.catalog.facts import Facts
from modelhub.catalog.ingest import catch_up
from modelhub.errors import DirtyTree
from modelhub.importers.git_refs import ChosenRefs
from modelhub.porcelain.moving import head_files, update_folder
from modelhub.progress import Progress
from modelhub.repository.forgotten import require_remembered
from modelhub.repository.index import Index, read_index
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Act, Repository
from modelhub.repository.worktree import scan


@dataclass(frozen=True, slots=True)
class Landing:
    """The branch HEAD is on, and the files written into the folder; `folder_left` where it had files of its own."""

    branch: str | None
    written: tuple[str, ...] = ()
    folder_left: bool = False


def with_head(refs: Refs, chosen: ChosenRefs) -> Refs:
    """Return the refs with HEAD on git's branch, in a repository that has no history."""
    return Refs(chosen.head, refs.table) if not refs.table and chosen.head is not None else refs


def land(repo: Repository, act: Act, after: Refs, without_models: Iterable[str], progress: Progress) -> Landing:
    """Make these the refs. For the holder of the writer lock. `without_models` are new commits with nothing to lint.

    Where HEAD gets another commit the folder follows, unless it had none and the folder has files: those stay.
    Raises DirtyTree, with the refs as they were, where unsaved work would be overwritten, VersionForgotten where a ref
    would name such a version.
    """
    before = repo.refs
    if after == before:
        return Landing(before.branch)
    require_remembered(repo, after)
    landing = _bring_folder(repo, before, after, progress)
    repo.record(act, after)
    with contextlib.closing(Facts(repo)) as known:
        known.findings.update(dict.fromkeys(without_models, ()))
        catch_up(repo, known)
    return landing


def _bring_folder(repo: Repository, before: Refs, after: Refs, progress: Progress) -> Landing:
    if after.head_commit == before.head_commit:
        return Landing(after.branch)
    if before.head_commit is None and _is_in_use(repo):
        files.remove(repo.layout.index)  # it is empty, and is made anew from HEAD
        return Landing(after.branch, folder_left=True)
    try:
        report = update_folder(repo, head_files(repo, before), head_files(repo, after), progress=progress)
    except DirtyTree as error:
        raise DirtyTree(
            f"'{before.branch}' would move, and unsaved work in the folder would be overwritten",
            paths=error.paths,
            hint="commit or restore it, then import again: what was read is kept",
        ) from None
    return Landing(after.branch, report.written)


def _is_in_use(repo: Repository) -> bool:
    """There are files in the folder, and nothing of them is staged."""
    index = read_index(repo.layout)
    return (index is None or not index.entries) and bool(scan(repo.layout.root, Index()))
