"""Join another line of history into this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from modelhub.catalog.ingest import catch_up
from modelhub.catalog.revisions import resolve
from modelhub.errors import MergeConflict, StateError
from modelhub.porcelain.environment import environment, packages
from modelhub.porcelain.git import record_code
from modelhub.porcelain.moving import move, update_folder
from modelhub.progress import SILENT, Progress
from modelhub.repository.index import IndexEntry
from modelhub.repository.merge import Side, merge_files
from modelhub.repository.objects import Commit, Entry
from modelhub.repository.repository import Act, Repository, put
from modelhub.repository.status import FileChange, compare_files, load_index
from modelhub.repository.trees import Files, read_files, write_tree
from modelhub.repository.walk import merge_base

MergeKind = Literal["up-to-date", "fast-forward", "merge"]


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What the merge came to, and how the folder's files changed by it."""

    kind: MergeKind
    commit: str
    changes: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class MergeChoices:
    """How conflicts are decided: by path, else all by `take`; `fast_forward` True: only that, False: never."""

    by_path: Mapping[str, Side]
    take: Side | None = None
    fast_forward: bool | None = None


NO_CHOICES = MergeChoices({})


def merge(
    repo: Repository,
    *,
    act: Act,
    revision: str,
    message: str | None = None,
    choices: MergeChoices = NO_CHOICES,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> MergeResult:
    """Merge a revision into HEAD, file by file over the common ancestor.

    Raises MergeConflict where both sides changed a file and no choice decides it, DirtyTree where unsaved work is in
    the way; then nothing was changed.
    """
    with repo.writing(waiting=waiting):
        refs = repo.refs
        theirs = resolve(repo, revision)
        ours = repo.head_commit()
        base = merge_base(repo, ours, theirs)
        before = read_files(repo, repo.commit_tree(ours))
        if base == theirs:
            return MergeResult("up-to-date", ours, ())
        if base == ours and choices.fast_forward is not False:
            move(repo, act, refs.advanced(theirs), progress=progress)
            after = read_files(repo, repo.commit_tree(theirs))
            return MergeResult("fast-forward", theirs, tuple(compare_files(before, after)))
        if choices.fast_forward:
            raise StateError("the histories have parted: this cannot be a fast-forward", hint="leave --ff-only away")
        merged = _merged(repo, base, before, theirs, choices)
        _require_nothing_staged(repo, before, merged)
        update_folder(repo, before, merged, progress=progress)
        oid = _record(repo, act, merged, theirs, message or f"Merge '{revision}'")
        return MergeResult("merge", oid, tuple(compare_files(before, merged)))


def _merged(repo: Repository, base: str | None, ours: Files, theirs: str, choices: MergeChoices) -> Files:
    base_files = read_files(repo, repo.commit_tree(base))
    their_files = read_files(repo, repo.commit_tree(theirs))
    by_path = dict(choices.by_path)
    if choices.take is not None:
        by_path = dict.fromkeys(ours.keys() | their_files.keys(), choices.take) | by_path
    merged = merge_files(base_files, ours, their_files, by_path)
    if merged.conflicts:
        shown = ", ".join(f"'{path}'" for path in merged.conflicts[:5])
        more = f" and {len(merged.conflicts) - 5} more" if len(merged.conflicts) > 5 else ""
        raise MergeConflict(
            f"both sides changed {shown}{more}; nothing was changed",
            paths=merged.conflicts,
            hint="choose a side: --ours PATH or --theirs PATH for each, or --take ours|theirs for all",
        )
    return merged.files


def _require_nothing_staged(repo: Repository, head: Files, merged: Files) -> None:
    """Refuse to merge beside staged changes, but for those of the very same merge that was cut short before."""
    entries = load_index(repo).entries
    for path in entries.keys() | head.keys():
        if not _holds(entries.get(path), head.get(path)) and not _holds(entries.get(path), merged.get(path)):
            raise StateError("there are staged changes", hint="commit them, or 'mh reset' to unstage them")


def _holds(entry: IndexEntry | None, wanted: Entry | None) -> bool:
    return wanted is None if entry is None else entry.same_content(wanted)


def _record(repo: Repository, act: Act, files: Files, theirs: str, message: str) -> str:
    refs = repo.refs
    ours = repo.head_commit()
    with repo.store.writer() as writer:
        made = Commit(
            tree=write_tree(writer, files),
            parents=(ours, theirs),
            author=act.author,
            time=act.time,
            offset=act.offset,
            message=message,
            code=record_code(writer, repo.layout.root),
            environment=environment(),
            packages=writer.put(packages()),
        )
        oid = put(writer, made)
        repo.record(act, refs.advanced(oid), writer=writer)
    catch_up(repo)
    return oid
