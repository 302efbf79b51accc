"""The versions that a list of revisions and ranges names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelhub.catalog.revisions import resolve
from modelhub.repository.objects import Commit
from modelhub.repository.repository import Repository
from modelhub.repository.walk import only_from


@dataclass(frozen=True, slots=True)
class NamedVersions:
    """Commits, newest first; `singly` are those that were named by themselves, not as part of a range."""

    commits: tuple[str, ...]
    singly: frozenset[str]


def named_versions(repo: Repository, texts: Iterable[str]) -> NamedVersions:
    """Return the versions that each `REV` or `A..B` names: of a range what B descends from and A does not.

    An end left out is HEAD. Raises RefNotFound, InvalidInputError.
    """
    found: dict[str, int] = {}
    singly: set[str] = set()
    for text in texts:
        old, dots, new = text.partition("..")
        if dots:
            newer = only_from(repo, [resolve(repo, new or "HEAD")], [resolve(repo, old or "HEAD")])
            found |= {oid: commit.time for oid, commit in newer.items()}
        else:
            oid = resolve(repo, text)
            singly.add(oid)
            found[oid] = repo.get(oid, Commit).time
    return NamedVersions(tuple(sorted(found, key=lambda oid: (-found[oid], oid))), frozenset(singly))
