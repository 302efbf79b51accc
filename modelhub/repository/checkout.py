"""Make the working tree equal to a version, never overwriting unsaved work unless forced."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from modelhub import files
from modelhub.errors import DirtyTree
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import FileStream, read_file
from modelhub.repository.index import Index, IndexEntry, left_out, staged, write_index
from modelhub.repository.names import check_path, check_siblings, stays_inside
from modelhub.repository.objects import Entry
from modelhub.repository.obstacles import Obstacles, folders_of, is_folder
from modelhub.repository.repository import Repository
from modelhub.repository.worktree import holds, look


class CheckoutPlan(Struct, frozen=True):
    """What must be written and deleted. `kept` are files that hold the right bytes already.

    `cleared` are files of other paths that stand in the way, to be deleted by force.
    """

    write: dict[str, Entry]
    delete: tuple[str, ...]
    kept: dict[str, IndexEntry]
    cleared: tuple[str, ...]


class CheckoutReport(Struct, frozen=True):
    """What was done: paths written, deleted, and links that were left out because they lead outside the folder."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    skipped_links: tuple[str, ...]


def plan_checkout(
    repository: Repository,
    index: Index,
    before: dict[str, Entry],
    after: dict[str, Entry],
    *,
    force: bool = False,
    keep_equal: bool = True,
    precious: Collection[str] = (),
) -> CheckoutPlan:
    """Decide how to get from the files of one version to those of another.

    A path that both versions hold equal keeps whatever the index and the working tree have, unless forced or told
    otherwise by `keep_equal`. Any other path is unsaved work where the working tree or the index differ from `before`
    and from `after`, where it is `precious`, or where a file that is not in `before` stands in its way: DirtyTree,
    unless forced. A folder of files that are not even staged is not removed by force either.
    """
    check_siblings(after)
    obstacles = Obstacles(repository.layout.root, index.entries)
    write, delete, kept, unsaved, stuck = {}, [], {}, [], []
    cleared: set[str] = set()
    known_before = frozenset(before)
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if keep_equal and not force and _same(old, new):
            continue
        if new is not None:
            check_path(path)
        blocked = set() if new is None else obstacles.of(path).difference(known_before)
        state = "unsaved" if path in precious or blocked else _look_at(repository, index, path, old, new)
        if state == "unsaved" and not force:
            unsaved.append(path)
        elif any(other.startswith(path + "/") and not obstacles.is_staged(other) for other in blocked):
            stuck.append(path)
        elif state == "target":
            kept[path] = _kept_entry(repository, path, new)
        elif new is not None:
            write[path] = new
            cleared |= blocked
        else:
            delete.append(path)
    _refuse(unsaved, "unsaved work would be overwritten", "commit it first, or --force to lose it")
    _refuse(stuck, "a folder with files that no version has is in the way", "move it away, then try again")
    known = {path: entry for path, entry in kept.items() if entry is not None}
    return CheckoutPlan(write, tuple(delete), known, tuple(sorted(cleared)))


def apply_checkout(
    repository: Repository, index: Index, plan: CheckoutPlan, progress: Progress = SILENT
) -> CheckoutReport:
    """Carry a plan out: delete, write each file in one step and verified, then record it in the index.

    Only for the holder of the writer lock. Killed at any point, the same checkout can be run again.
    """
    work = files.WorkFolder(repository.layout.root, repository.layout.scratch)
    progress.start("writing", sum(entry.size for entry in plan.write.values()))
    entries = dict(index.entries)
    for path in (*plan.delete, *plan.cleared):
        work.delete(path)
        entries.pop(path, None)
    skipped = []
    for path, entry in plan.write.items():
        _clear_way(work, repository, path)
        if entry.mode == "link" and not _write_link(repository, work, path, entry):
            skipped.append(path)
            entries[path] = left_out(entry)
            continue
        entries[path] = _write_file(repository, work, path, entry)
        progress.advance(entry.size)
    write_index(repository.layout, entries | plan.kept)
    return CheckoutReport(tuple(plan.write), plan.delete, tuple(skipped))


def _same(old: Entry | None, new: Entry | None) -> bool:
    return old is not None and new is not None and old.oid == new.oid and old.mode == new.mode


def _look_at(repository: Repository, index: Index, path: str, old: Entry | None, new: Entry | None) -> str:
    """Say what lies at a path: "clean" (safe to replace), "target" (right already) or "unsaved"."""
    root = repository.layout.root
    file = look(root, path)
    entry = index.entries.get(path)
    if entry is not None and not entry.same_content(old) and not entry.same_content(new):
        return "unsaved"
    if file is None:
        return "unsaved" if _is_special(root, path) else "clean"
    if new is not None and holds(root, index, file, new.oid, new.mode):
        return "target"
    clean = any(known is not None and holds(root, index, file, known.oid, known.mode) for known in (old, entry))
    return "clean" if clean else "unsaved"


def _is_special(root: Path, path: str) -> bool:
    """Something that is neither a file, a link nor a folder, such as a pipe."""
    inside = all(is_folder(root / folder) for folder in folders_of(path))
    return inside and os.path.lexists(root / path) and not (root / path).is_dir()


def _kept_entry(repository: Repository, path: str, new: Entry | None) -> IndexEntry | None:
    file = look(repository.layout.root, path)
    return None if new is None or file is None else staged(new).seen(file.stat)


def _clear_way(work: files.WorkFolder, repository: Repository, path: str) -> None:
    """Remove empty folders that stand where a file must go (their files were deleted before)."""
    folder = repository.layout.root / path
    if folder.is_dir() and not folder.is_symlink():
        for place, _, _ in os.walk(folder, topdown=False):
            files.remove_folder_if_empty(work.root / place)


def _write_file(repository: Repository, work: files.WorkFolder, path: str, entry: Entry) -> IndexEntry:
    if entry.mode == "link":
        file = look(repository.layout.root, path)
        return staged(entry) if file is None else staged(entry).seen(file.stat)
    stream = FileStream(repository, entry)
    stat = work.write(path, iter(stream), executable=entry.mode == "exec", check=stream.check)
    return staged(entry).seen(stat)


def _write_link(repository: Repository, work: files.WorkFolder, path: str, entry: Entry) -> bool:
    target = os.fsdecode(read_file(repository, entry))
    if not stays_inside(path, target):
        return False
    work.write_link(path, target)
    return True


def _refuse(paths: list[str], why: str, hint: str) -> None:
    if paths:
        raise DirtyTree(f"{why}: {_listed(paths)}", paths=tuple(paths), hint=hint)


def _listed(paths: list[str], most: int = 5) -> str:
    rest = len(paths) - most
    return ", ".join(f"'{path}'" for path in paths[:most]) + (f" and {rest} more" if rest > 0 else "")
