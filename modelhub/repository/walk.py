"""Walk the history: ancestors, and the commit two lines of history have in common."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

from modelhub.repository.objects import Commit
from modelhub.repository.repository import Repository


def ancestors(repository: Repository, *starts: str) -> Iterator[tuple[str, Commit]]:
    """Yield commits and everything they descend from, nearest first, each once. Cost: one object a commit."""
    seen = set(starts)
    waiting = deque(dict.fromkeys(starts))
    while waiting:
        oid = waiting.popleft()
        commit = repository.get(oid, Commit)
        yield oid, commit
        for parent in commit.parents:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)


def is_ancestor(repository: Repository, old: str, *new: str) -> bool:
    """Tell whether one of the `new` descends from `old` (or is it)."""
    return any(oid == old for oid, _ in ancestors(repository, *new))


def merge_base(repository: Repository, left: str, right: str) -> str | None:
    """Return the best common ancestor: one that no other common ancestor descends from. None: no common history.

    Where there are several (criss-cross merges) the newest is taken.
    """
    of_left = {oid for oid, _ in ancestors(repository, left)}
    common = {oid: commit for oid, commit in ancestors(repository, right) if oid in of_left}
    covered = {parent for commit in common.values() for parent in commit.parents}
    best = [oid for oid in common if oid not in covered]
    return max(best, key=lambda oid: (common[oid].time, oid), default=None)


def only_from(repository: Repository, starts: Iterable[str], kept: Iterable[str]) -> dict[str, Commit]:
    """Return the commits that `starts` descend from and `kept` do not, themselves included.

    Newest first, so that of a long history only the part is read that lies above what both have. A commit dated after
    its descendants may be named though it is kept.
    """
    held = set(kept)
    commits: dict[str, Commit] = {}
    waiting: list[tuple[int, str]] = []

    def meet(oid: str) -> None:
        if oid not in commits:
            commits[oid] = repository.get(oid, Commit)
            heapq.heappush(waiting, (-commits[oid].time, oid))

    for oid in {*starts} | held:
        meet(oid)
    passed: set[str] = set()
    while any(oid not in held for _, oid in waiting):
        oid = heapq.heappop(waiting)[1]
        passed.add(oid)
        for parent in commits[oid].parents:
            if oid in held:
                held.add(parent)
            meet(parent)
    return {oid: commits[oid] for oid in passed if oid not in held}
