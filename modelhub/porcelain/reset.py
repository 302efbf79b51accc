"""Point the branch at another version; the index and the folder follow as far as asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modelhub.catalog.ingest import catch_up
from modelhub.errors import IntegrityError
from modelhub.porcelain.moving import head_files, update_folder
from modelhub.progress import SILENT, Progress
from modelhub.repository.index import read_index, staged, write_index
from modelhub.repository.repository import Act, Repository
from modelhub.repository.revision import resolve
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
            report = update_folder(
                repo, _present(repo, head_files(repo, refs)), after, force=force, keep_equal=False, progress=progress
            )
            written, deleted = report.written, report.deleted
        elif mode == "mixed":
            reset_index(repo, after)
        if moved != refs:
            repo.record(act, moved)
            catch_up(repo)
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


def _present(repo: Repository, head: Files) -> Files:
    """The files of HEAD and what is staged beside them: a hard reset takes both away."""
    if read_index(repo.layout) is None:
        return head
    return {path: entry.entry() for path, entry in load_index(repo).entries.items()} | head
