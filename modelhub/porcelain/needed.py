"""Which objects must stay: what gc keeps, and what it would keep if more versions were forgotten."""

from __future__ import annotations

from collections.abc import Container

from modelhub.errors import IntegrityError
from modelhub.porcelain.taken_runs import mark_pending
from modelhub.progress import SILENT, Progress
from modelhub.repository.condemned import read_condemned
from modelhub.repository.reachable import Needs, all_commits, mark_versions, with_bases
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Repository
from modelhub.repository.status import load_index
from modelhub.runs.pending import damaged_runs


def needed_objects(repo: Repository, oldest: int, forgotten: Container[str], progress: Progress = SILENT) -> set[str]:
    """Return every object that must stay: what is needed itself (`directly_needed`), and the bases of its deltas."""
    return with_bases(repo, directly_needed(repo, oldest, forgotten, progress))


def directly_needed(repo: Repository, oldest: int, forgotten: Container[str], progress: Progress = SILENT) -> set[str]:
    """Return what must stay for its own sake: operations always, what they name while undoable, runs, the index.

    Operations since `oldest` (unix ms UTC) can be undone. Of `forgotten` commits weights and large files need not stay.
    A commit that an earlier gc was allowed to delete is not missed. Raises IntegrityError where the history is damaged:
    what it needs is then not known.
    """
    found: set[str] = set()
    commits: set[str] = set()
    present, spared = repo.refs.held(), read_condemned(repo.layout).undoable_from
    is_next_undoable = True  # undoing an operation brings back what the one before it names, however old that is
    for oid, operation in repo.operations():
        found.update(item for item in (oid, operation.forgotten) if item is not None)
        is_undoable = operation.time >= oldest
        if is_undoable or is_next_undoable:
            named = Refs(operation.head, operation.refs).held()
            if operation.time < spared:
                named = frozenset(commit for commit in named if commit in present or repo.kind_of(commit) is not None)
            commits |= named
        is_next_undoable = is_undoable
    needs = Needs(repo)
    history = all_commits(repo, commits)
    progress.start("marking", len(history), "commits")
    bones = mark_versions(needs, history, forgotten, found, progress)
    for entry in load_index(repo).entries.values():
        found.update(needs.of_file(entry))
    mark_pending(repo, needs, found)
    missing = (commits - history.keys()) | needs.broken.keys() | set(damaged_runs(repo.layout))
    if missing:
        raise IntegrityError(
            f"the history is damaged ({len(missing)} objects cannot be read): nothing was deleted",
            hint="'mh fsck' says what is affected",
        )
    return found | bones
