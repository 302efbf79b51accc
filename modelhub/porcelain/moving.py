"""Move the working tree and HEAD to another version: what checkout, switch, reset, merge and undo share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from modelhub.porcelain.taken_runs import move_refs
from modelhub.progress import SILENT, Progress
from modelhub.repository.checkout import CheckoutReport, apply_checkout, plan_checkout
from modelhub.repository.forgotten import require_remembered
from modelhub.repository.reachable import all_commits
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Act, Repository
from modelhub.repository.status import load_index
from modelhub.repository.trees import Files, read_files


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    """Where HEAD is now and what was done to the folder.

    `left_behind` is the commit HEAD was detached at, if no branch or tag holds it now.
    """

    commit: str | None
    branch: str | None
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    skipped_links: tuple[str, ...]
    left_behind: str | None = None

    @property
    def detached(self) -> bool:
        """HEAD names a commit, not a branch."""
        return self.branch is None


def move(
    repo: Repository,
    act: Act,
    refs: Refs,
    *,
    force: bool = False,
    progress: Progress = SILENT,
    undoes: str | None = None,
) -> CheckoutResult:
    """Make the folder equal to the commit `refs` has as HEAD, then make `refs` the refs. For the holder of the lock.

    Where the refs are so already no operation is recorded. Raises DirtyTree, with nothing changed, where unsaved work
    would be overwritten, and VersionForgotten where a ref would name such a version.
    """
    now = repo.refs
    require_remembered(repo, refs)
    report = update_folder(repo, head_files(repo, now), head_files(repo, refs), force=force, progress=progress)
    if refs != now or undoes is not None:
        move_refs(repo, act, refs, undoes=undoes)
    left = now.head_commit if now.branch is None and not _holds(repo, refs, now.head) else None
    return CheckoutResult(refs.head_commit, refs.branch, report.written, report.deleted, report.skipped_links, left)


def _holds(repo: Repository, refs: Refs, commit: str) -> bool:
    return commit in refs.held() or commit in all_commits(repo, refs.held())


def head_files(repo: Repository, refs: Refs) -> Files:
    """Return the files of HEAD's commit."""
    return read_files(repo, repo.commit_tree(refs.head_commit))


def update_folder(
    repo: Repository,
    before: Files,
    after: Files,
    *,
    force: bool = False,
    keep_equal: bool = True,
    precious: Collection[str] = (),
    progress: Progress = SILENT,
) -> CheckoutReport:
    """Bring the folder and the index from one table of files to another (see `plan_checkout`)."""
    index = load_index(repo)
    plan = plan_checkout(repo, index, before, after, force=force, keep_equal=keep_equal, precious=precious)
    return apply_checkout(repo, index, plan, progress)
