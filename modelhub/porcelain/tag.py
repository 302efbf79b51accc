"""List, make and delete tags."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub.catalog.revisions import resolve
from modelhub.porcelain.taken_runs import move_refs
from modelhub.repository.objects import Commit
from modelhub.repository.refs import TAGS
from modelhub.repository.repository import Act, Repository


@dataclass(frozen=True, slots=True)
class TagInfo:
    """One tag: `summary` is the first line of the commit's message, `time` the commit's, in unix milliseconds UTC."""

    name: str
    commit: str
    summary: str
    time: int


def tags(repo: Repository) -> tuple[TagInfo, ...]:
    """Return all tags by name."""
    return tuple(_info(repo, name, commit) for name, commit in repo.refs.tags().items())


def create_tag(repo: Repository, *, act: Act, name: str, revision: str = "HEAD", force: bool = False) -> TagInfo:
    """Name a revision. Raises AlreadyExistsError unless forced."""
    with repo.writing():
        commit = resolve(repo, revision)
        move_refs(repo, act, repo.refs.with_new(TAGS + name, commit, force=force))
        return _info(repo, name, commit)


def delete_tag(repo: Repository, *, act: Act, name: str) -> str:
    """Delete a tag and return the commit it named."""
    with repo.writing():
        refs = repo.refs
        left = refs.without(TAGS + name)
        move_refs(repo, act, left)
        return refs.table[TAGS + name]


def _info(repo: Repository, name: str, commit: str) -> TagInfo:
    found = repo.get(commit, Commit)
    return TagInfo(name, commit, found.message.partition("\n")[0], found.time)
