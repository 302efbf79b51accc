"""Move HEAD and the folder to another version."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from modelhub.catalog.revisions import resolve
from modelhub.errors import InvalidInputError, RefNotFound
from modelhub.porcelain.moving import CheckoutResult, move
from modelhub.progress import SILENT, Progress
from modelhub.repository.refs import BRANCHES, Refs
from modelhub.repository.repository import Act, Repository


def checkout(
    repo: Repository,
    *,
    act: Act,
    revision: str,
    force: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> CheckoutResult:
    """Go to a branch, or to any other revision with HEAD detached. Raises DirtyTree, RefNotFound."""
    with repo.writing(waiting=waiting):
        refs = repo.refs
        target = _on_branch(refs, revision) or replace(refs, head=resolve(repo, revision))
        return move(repo, act, target, force=force, progress=progress)


def switch(
    repo: Repository,
    *,
    act: Act,
    branch: str,
    create: bool = False,
    start: str | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> CheckoutResult:
    """Go to a branch, with `create` a new one from `start` (HEAD). Raises as `checkout`, and AlreadyExistsError."""
    with repo.writing(waiting=waiting):
        refs = repo.refs
        if create:
            target = _new_branch(repo, refs, branch, start)
        else:
            if start is not None:
                raise InvalidInputError("a start is only for a new branch", hint=f"mh switch -c {branch} {start}")
            found = _on_branch(refs, branch)
            if found is None:
                raise RefNotFound(f"there is no branch '{branch}'", hint=f"'mh switch -c {branch}' makes it")
            target = found
        return move(repo, act, target, force=force, progress=progress)


def _on_branch(refs: Refs, name: str) -> Refs | None:
    full = BRANCHES + name
    return replace(refs, head=full) if full in refs.table or full == refs.head else None


def _new_branch(repo: Repository, refs: Refs, name: str, start: str | None) -> Refs:
    full = BRANCHES + name
    if refs.head_commit is None and start is None:
        return replace(Refs(refs.head, refs.table).with_new(full, ""), head=full, table=refs.table)
    commit = resolve(repo, start or "HEAD")
    return replace(refs.with_new(full, commit), head=full)
