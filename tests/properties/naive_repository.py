"""A repository as plain dicts: what modelhub must do, said in the fewest words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

File = tuple[str, bytes]
Files = dict[str, File]


@dataclass
class NaiveCommit:
    files: Files
    parents: tuple[str, ...]
    time: int


@dataclass
class RefState:
    """HEAD (a branch's name, or a commit) and the refs."""

    head: str = "main"
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def copy(self) -> RefState:
        return RefState(self.head, dict(self.branches), dict(self.tags))

    @property
    def head_commit(self) -> str | None:
        return self.head if is_commit(self.head) else self.branches.get(self.head)

    def advanced(self, commit: str) -> RefState:
        moved = self.copy()
        if is_commit(self.head):
            moved.head = commit
        else:
            moved.branches[self.head] = commit
        return moved


@dataclass
class Done:
    """One operation: the refs before it, and whether taking it back leaves the folder alone."""

    before: RefState
    keeps_folder: bool


def is_commit(name: str) -> bool:
    return len(name) == 64


def clashes(path: str, others: Iterable[str]) -> set[str]:
    """The paths that cannot stand beside this one: files above it and files below it."""
    return {other for other in others if other.startswith(path + "/") or path.startswith(other + "/")}


class NaiveRepository:
    def __init__(self) -> None:
        self.refs = RefState()
        self.commits: dict[str, NaiveCommit] = {}
        self.index: Files = {}
        self.work: Files = {}
        self.done: list[Done] = []

    def files_of(self, commit: str | None) -> Files:
        return {} if commit is None else self.commits[commit].files

    @property
    def head_files(self) -> Files:
        return self.files_of(self.refs.head_commit)

    def ancestors(self, commit: str) -> set[str]:
        found: set[str] = set()
        waiting = [commit]
        while waiting:
            oid = waiting.pop()
            if oid not in found:
                found.add(oid)
                waiting += self.commits[oid].parents
        return found

    def record(self, refs: RefState, *, keeps_folder: bool = False) -> None:
        self.done.append(Done(self.refs, keeps_folder))
        self.refs = refs

    # the folder

    def write(self, path: str, file: File) -> None:
        """A person puts a file somewhere, whatever was in the way."""
        for other in clashes(path, list(self.work)):
            del self.work[other]
        self.work[path] = file

    def add(self, paths: Iterable[str]) -> None:
        for path in paths:
            if path in self.work:
                for other in clashes(path, list(self.index)):
                    del self.index[other]
                self.index[path] = self.work[path]
            else:
                self.index.pop(path, None)

    # moving

    def lost(self, before: Files, after: Files, *, keep_equal: bool = True) -> set[str]:
        """The paths where content that nothing else has would be lost, or where something stands in the way."""
        found = set()
        for path in before.keys() | after.keys():
            old, new = before.get(path), after.get(path)
            if keep_equal and old == new:
                continue
            staged, file = self.index.get(path), self.work.get(path)
            staged_is_lost = staged is not None and staged not in (old, new)
            file_is_lost = file is not None and file not in (old, new, staged)
            blocked = new is not None and clashes(path, self.work.keys() | self.index.keys()) - before.keys()
            if staged_is_lost or file_is_lost or blocked:
                found.add(path)
        return found

    def stuck(self, before: Files, after: Files) -> set[str]:
        """The paths that are not even written by force: a folder with files that are not staged stands there."""
        return {
            path
            for path in after
            if any(other.startswith(path + "/") for other in self.work.keys() - self.index.keys() - before.keys())
        }

    def move(self, before: Files, after: Files, *, force: bool = False, keep_equal: bool = True) -> None:
        for path in sorted(before.keys() | after.keys()):
            old, new = before.get(path), after.get(path)
            if keep_equal and not force and old == new:
                continue
            if new is None:
                self.work.pop(path, None)
                self.index.pop(path, None)
        for path in sorted(before.keys() | after.keys()):
            old, new = before.get(path), after.get(path)
            if new is None or (keep_equal and not force and old == new):
                continue
            self.write(path, new)
            for other in clashes(path, list(self.index)):
                del self.index[other]
            self.index[path] = new

    # joining

    def merge_base(self, left: str, right: str) -> str | None:
        common = self.ancestors(left) & self.ancestors(right)
        best = [oid for oid in common if not any(oid in self.ancestors(other) - {other} for other in common)]
        return max(best, key=lambda oid: (self.commits[oid].time, oid), default=None)

    def merged(self, base: str | None, ours: str, theirs: str, take: str | None) -> tuple[Files, set[str]]:
        """The merged files and the paths in conflict."""
        old, left, right = self.files_of(base), self.files_of(ours), self.files_of(theirs)
        files: Files = {}
        conflicts = set()
        for path in old.keys() | left.keys() | right.keys():
            one, other = left.get(path), right.get(path)
            chosen = other if one == old.get(path) else one
            if one != other and old.get(path) not in (one, other):
                if take is None:
                    conflicts.add(path)
                chosen = other if take == "theirs" else one
            if chosen is not None:
                files[path] = chosen
        conflicts |= {path for path in files if any(other.startswith(path + "/") for other in files)}
        return files, conflicts
