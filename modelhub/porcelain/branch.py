"""List, make, rename and delete branches."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from modelhub.catalog.revisions import resolve
from modelhub.errors import RefNotFound, StateError
from modelhub.porcelain.taken_runs import move_refs
from modelhub.repository.objects import Commit
from modelhub.repository.refs import BRANCHES, Refs
from modelhub.repository.repository import Act, Repository
from modelhub.repository.walk import is_ancestor


@dataclass(frozen=True, slots=True)
class BranchInfo:
    """One branch: `summary` is the first line of its newest message, `time` unix milliseconds UTC."""

    name: str
    commit: str
    current: bool
    summary: str
    time: int


def branches(repo: Repository) -> tuple[BranchInfo, ...]:
    """Return all branches by name."""
    refs = repo.refs
    return tuple(_info(repo, refs, name) for name in refs.branches())


def create_branch(repo: Repository, *, act: Act, name: str, start: str = "HEAD", force: bool = False) -> BranchInfo:
    """Make a branch at a revision, without going there. With `force` an existing one is moved."""
    with repo.writing():
        refs = repo.refs
        full = BRANCHES + name
        if force and full == refs.head:
            raise StateError(f"branch '{name}' is checked out", hint="'mh reset' moves it")
        changed = refs.with_new(full, resolve(repo, start), force=force)
        move_refs(repo, act, changed)
        return _info(repo, changed, name)


def delete_branch(repo: Repository, *, act: Act, name: str, force: bool = False) -> str:
    """Delete a branch and return the commit it named. Raises StateError where its commits are nowhere else."""
    with repo.writing():
        refs = repo.refs
        full = BRANCHES + name
        left = refs.without(full)
        if full == refs.head:
            raise StateError(f"branch '{name}' is checked out", hint="switch to another branch first")
        commit = refs.table[full]
        if not force and not _kept_elsewhere(repo, left, commit):
            raise StateError(
                f"branch '{name}' has commits that no other branch or tag holds",
                hint="merge it first, or --force to delete it ('mh undo' brings it back)",
            )
        move_refs(repo, act, left)
        return commit


def rename_branch(repo: Repository, *, act: Act, old: str, new: str, force: bool = False) -> BranchInfo:
    """Give a branch another name; HEAD follows."""
    with repo.writing():
        refs = repo.refs
        source, target = BRANCHES + old, BRANCHES + new
        if source not in refs.table and source == refs.head:
            raise RefNotFound(f"branch '{old}' has no commit yet", hint="commit first")
        renamed = refs.without(source).with_new(target, refs.table[source], force=force)
        if refs.head == source:
            renamed = replace(renamed, head=target)
        move_refs(repo, act, renamed)
        return _info(repo, renamed, new)


def _kept_elsewhere(repo: Repository, refs: Refs, commit: str) -> bool:
    return is_ancestor(repo, commit, *refs.held())


def _info(repo: Repository, refs: Refs, name: str) -> BranchInfo:
    commit = refs.table[BRANCHES + name]
    found = repo.get(commit, Commit)
    return BranchInfo(name, commit, refs.branch == name, found.message.partition("\n")[0], found.time)
