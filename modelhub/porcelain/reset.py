"""Point the branch at another version; the index and the folder follow as far as asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modelhub.catalog.revisions import resolve
from modelhub.errors import IntegrityError
from modelhub.porcelain.moving import head_files, update_folder
from modelhub.porcelain.taken_runs import move_refs
from modelhub.progress import SILENT, Progress
from modelhub.repository.index import IndexEntry, staged, write_index
from modelhub.repository.repository import Act, Repository
from modelhub.repository.status import load_index
from modelhub.repository.trees import Files

Mode = Literal["soft", "mixed", "hard"]


@dataclass(frozen=True, slots=True)
class ResetResult:
    """Where HEAD is now and what was done to the folder."""

    commit: str
    mode: Mode
    written: tuple[str, ...]
    deleted: tuple[str, ...]


def reset(
    repo: Repository,
    *,
    act: Act,
    revision: str = "HEAD",
    mode: Mode = "mixed",
    force: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ResetResult:
    """Move the branch (soft), make the index equal too (mixed), or the folder too (hard).

    Hard refuses to lose unsaved work unless forced. 'mh undo' takes the move of the branch back.
    """
    with repo.writing(waiting=waiting):
        refs = repo.refs
        commit = resolve(repo, revision)
        moved = refs.advanced(commit)
        after = head_files(repo, moved)
        written: tuple[str, ...] = ()
        deleted: tuple[str, ...] = ()
        if mode == "hard":
            head = head_files(repo, refs)
            beside = _staged_beside(repo, head)
            precious = [path for path, entry in beside.items() if not entry.same_content(after.get(path))]
            before = {path: entry.entry() for path, entry in beside.items()} | head
            report = update_folder(
                repo, before, after, force=force, keep_equal=False, precious=precious, progress=progress
            )
            written, deleted = report.written, report.deleted
        elif mode == "mixed":
            reset_index(repo, after)
        if moved != refs:
            move_refs(repo, act, moved)
    return ResetResult(commit, mode, written, deleted)


def reset_index(repo: Repository, after: Files | None = None) -> None:
    """Make the index equal to these files (HEAD's), keeping what `stat` said of files whose content stays staged."""
    if after is None:
        after = head_files(repo, repo.refs)
    try:
        known = load_index(repo).entries
    except IntegrityError:
        known = {}
    kept = {path: known[path] for path, entry in after.items() if path in known and known[path].same_content(entry)}
    write_index(repo.layout, {path: staged(entry) for path, entry in after.items()} | kept)


def _staged_beside(repo: Repository, head: Files) -> dict[str, IndexEntry]:
    """What is staged under paths that HEAD does not have: a hard reset takes it away, by force."""
    return {path: entry for path, entry in load_index(repo).entries.items() if path not in head}
