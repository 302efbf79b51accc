"""Tell what the next commit would record."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.errors import LockHeld, ModelHubError, StateError
from modelhub.repository.index import write_index
from modelhub.repository.repository import Repository
from modelhub.repository.status import FileChange, WorkState, compare_files, inspect, load_index
from modelhub.repository.trees import read_files
from modelhub.runs.pending import PendingRun, is_going, list_pending, read_sealed


@dataclass(frozen=True, slots=True)
class StatusResult:
    """`branch` is None when HEAD is detached, `head` before the first commit. `staged` is index against HEAD.

    `runs_ended` are the ids of the runs that the next commit takes in, `runs_going` of those that still go on, each by
    when they began.
    """

    branch: str | None
    head: str | None
    staged: tuple[FileChange, ...]
    unstaged: tuple[FileChange, ...]
    untracked: tuple[str, ...]
    runs_ended: tuple[str, ...] = ()
    runs_going: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing to commit."""
        return not (self.staged or self.unstaged or self.untracked or self.runs_ended)


def status(repo: Repository) -> StatusResult:
    """Compare HEAD, the index and the working tree. Cost: one stat a file; only files whose stat changed are read."""
    refs = repo.refs
    state = inspect(repo)
    tree = repo.commit_tree(refs.head_commit)
    staged = _staged(repo, tree, state)
    unstaged = [FileChange("modified", path) for path in state.modified]
    unstaged += [FileChange("deleted", path) for path in state.deleted]
    _remember(repo, state)
    pending = sorted(list_pending(repo.layout), key=lambda item: (_started(repo, item), item.id))
    going = {item.id for item in pending if is_going(item)}
    return StatusResult(
        branch=refs.branch,
        head=refs.head_commit,
        staged=tuple(staged),
        unstaged=tuple(sorted(unstaged, key=lambda change: change.path)),
        untracked=state.untracked,
        runs_ended=tuple(item.id for item in pending if item.id not in going),
        runs_going=tuple(item.id for item in pending if item.id in going),
    )


def _started(repo: Repository, pending: PendingRun) -> int:
    """Return when a run began; a run that was in a version that was undone says so in its object only."""
    if pending.start is not None or pending.sealed is None:
        return pending.start.time if pending.start else 0
    try:
        return read_sealed(repo, pending.sealed).started
    except ModelHubError:
        return 0


def _staged(repo: Repository, tree: str | None, state: WorkState) -> list[FileChange]:
    after = {path: entry.entry() for path, entry in state.index.entries.items()}
    return compare_files(read_files(repo, tree), after)


def _remember(repo: Repository, state: WorkState) -> None:
    """Keep the stat of files that had to be read, so that the next call need not, if that is possible now."""
    if state.fresh == state.index.entries:
        return
    try:
        with repo.writing(wait=False):
            if load_index(repo) == state.index:
                write_index(repo.layout, state.fresh)
    except (LockHeld, StateError, OSError):
        pass
