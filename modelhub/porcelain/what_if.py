"""How many bytes gc would free if some versions were forgotten, to the byte."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelhub.errors import InvalidInputError, StateError
from modelhub.porcelain.config import number_setting
from modelhub.porcelain.gc import DAY_MS, OPERATIONS_DAYS
from modelhub.porcelain.gone import GoneObject, describe
from modelhub.porcelain.named_versions import named_versions
from modelhub.porcelain.needed import directly_needed
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.reachable import with_bases
from modelhub.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What gc would delete, more than it would now, if `versions` were forgotten.

    `freed_nbytes` is what the entries of these objects take in the store, loose or in packs; an entry's row in an
    index comes on top. `bases_nbytes` would stay only because what is kept are deltas of it. `held` were in a range and
    are named by HEAD, a branch or a tag, so they would stay.
    """

    versions: tuple[str, ...]
    held: tuple[str, ...]
    freed_nbytes: int
    bases_nbytes: int
    objects: tuple[GoneObject, ...]


def what_if(repo: Repository, *, change: str, now: int, home: Path | None = None) -> WhatIf:
    """Return what the change `drop REV...` would free: versions and ranges `A..B`. `now` is unix milliseconds UTC.

    Raises InvalidInputError for another change, StateError for a version that a ref names: it cannot be forgotten.
    """
    verb, *revisions = change.split() or [""]
    if verb != "drop" or not revisions:
        raise InvalidInputError(f"'{change}' is no change that is known", hint="write --what-if 'drop REV...'")
    named = named_versions(repo, revisions)
    refs = repo.refs
    for commit in sorted(named.singly & refs.held()):
        raise StateError(
            f"version {commit[:10]} is {' and '.join(refs.names_of(commit)) or 'HEAD'}: it cannot be forgotten",
            hint="a range leaves such versions out: 'drop A..B'",
        )
    dropped = [oid for oid in named.commits if oid not in refs.held()]
    held = [oid for oid in named.commits if oid in refs.held()]
    return _freed(repo, dropped, held, now, home)


def freed_by(repo: Repository, commits: Sequence[str], *, now: int, home: Path | None = None) -> WhatIf:
    """Return what forgetting these versions would free. Cost: the history is marked twice."""
    return _freed(repo, commits, (), now, home)


def _freed(repo: Repository, commits: Sequence[str], held: Sequence[str], now: int, home: Path | None) -> WhatIf:
    oldest = now - int(number_setting(repo, home, "gc.operations_days", OPERATIONS_DAYS) * DAY_MS)
    forgotten = frozenset(forgotten_versions(repo)) - repo.refs.held()
    before, after = (directly_needed(repo, oldest, marks) for marks in (forgotten, forgotten.union(commits)))
    staying = with_bases(repo, after)
    contains = repo.store.contains
    gone = [oid for oid in with_bases(repo, before) - staying if contains(oid)]
    bases = [oid for oid in (before - after) & staying if contains(oid)]
    objects = _described(repo, gone, commits)
    return WhatIf(
        tuple(commits),
        tuple(held),
        sum(item.stored_nbytes for item in objects),
        sum(repo.store.info(oid).stored_nbytes for oid in bases),
        objects,
    )


def _described(repo: Repository, oids: Sequence[str], commits: Collection[str]) -> tuple[GoneObject, ...]:
    was = describe(repo, frozenset(oids), commits)
    infos = map(repo.store.info, oids)
    found = [GoneObject(info.oid, info.kind, info.stored_nbytes, 0.0, was.get(info.oid, "")) for info in infos]
    return tuple(sorted(found, key=lambda item: (-item.stored_nbytes, item.oid)))
