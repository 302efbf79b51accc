"""Bring single files back: in the folder, or in the index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelhub.catalog.revisions import resolve
from modelhub.errors import PathNotFound
from modelhub.porcelain.places import files_of
from modelhub.progress import SILENT, Progress
from modelhub.repository.checkout import apply_checkout, plan_checkout
from modelhub.repository.index import Index, IndexEntry, staged, write_index
from modelhub.repository.objects import Entry
from modelhub.repository.obstacles import PathsBelow, clashing
from modelhub.repository.repository import Repository
from modelhub.repository.status import load_index
from modelhub.repository.trees import Files, read_files


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """The paths that were changed."""

    restored: tuple[str, ...]


def restore(
    repo: Repository,
    *,
    paths: Sequence[str],
    source: str | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> RestoreResult:
    """Write files as the index has them, or as a version or a run has them (which stages them too).

    A file that is neither in the last commit nor staged as it is now is unsaved work: DirtyTree unless forced.
    """
    with repo.writing(waiting=waiting):
        index = load_index(repo)
        if source is None:
            known: Files = {path: entry.entry() for path, entry in index.entries.items()}
        else:
            known = files_of(repo, source)
        after = {path: known[path] for path in _below(known, paths)}
        head = read_files(repo, repo.commit_tree(repo.refs.head_commit))
        before = {path: head[path] for path in after if path in head}
        plan = plan_checkout(repo, index, before, after, force=force, keep_equal=False)
        report = apply_checkout(repo, index, plan, progress)
    return RestoreResult(report.written)


def unstage(repo: Repository, *, paths: Sequence[str], source: str = "HEAD") -> RestoreResult:
    """Make the index equal to a revision for these paths; the folder stays as it is."""
    with repo.writing():
        index = load_index(repo)
        commit = None if source == "HEAD" and repo.refs.head_commit is None else resolve(repo, source)
        known = read_files(repo, repo.commit_tree(commit))
        everything: dict[str, Entry | IndexEntry] = {**index.entries, **known}
        chosen = _below(everything, paths)
        added = {path: known[path] for path in chosen if path in known and not _is_staged(index, path, known[path])}
        removed = {path for path in chosen if path not in known}
        removed |= clashing(added, index.entries.keys())
        entries = {path: entry for path, entry in index.entries.items() if path not in removed}
        entries |= {path: staged(entry) for path, entry in added.items()}
        changed = [path for path in chosen if path in added or path not in known]
        write_index(repo.layout, entries)
    return RestoreResult(tuple(changed))


def _is_staged(index: Index, path: str, wanted: Entry) -> bool:
    entry = index.entries.get(path)
    return entry is not None and entry.same_content(wanted)


def _below(known: Mapping[str, Entry | IndexEntry], paths: Sequence[str]) -> list[str]:
    chosen: set[str] = set()
    below = PathsBelow(known)
    for path in paths:
        inside = below.of(path)
        if not inside:
            raise PathNotFound(f"'{path}' is not in that version", hint="'mh ls REV' lists its files")
        chosen.update(inside)
    return sorted(chosen)
