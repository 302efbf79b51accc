"""Revisions: the ways to name a commit. `HEAD`, `@`, a branch, a tag, an id or its beginning, then `~N`, `^N`, `@{N}`.

Grammar: docs/reference/revisions.md.
"""

from __future__ import annotations

import re

from msgspec import Struct

from modelhub.errors import InvalidInputError, RefNotFound
from modelhub.oid import OID_DIGITS, is_prefix
from modelhub.repository.objects import Commit
from modelhub.repository.refs import BRANCHES, TAGS, Refs
from modelhub.repository.repository import Repository

_STEP = re.compile(r"~(\d*)|\^(\d*)")
_PAST = re.compile(r"(.*)@\{(\d+)\}", re.DOTALL)
MAX_STEPS = 10_000_000


class Place(Struct, frozen=True):
    """A commit, and a path in it where one was named (`REV:PATH`)."""

    commit: str
    path: str | None


def resolve(repository: Repository, text: str) -> str:
    """Return the commit a revision names. Raises RefNotFound, or InvalidInputError where ambiguous or malformed."""
    if not text.strip():
        raise InvalidInputError("the revision is empty", hint="write HEAD for the newest commit")
    name, steps = _split_steps(text)
    commit = _resolve_name(repository, name, text)
    for kind, count in steps:
        commit = _step(repository, commit, kind, count, text)
    return commit


def resolve_place(repository: Repository, text: str) -> Place:
    """Return what `REV` or `REV:PATH` names; in `:PATH` it is HEAD."""
    revision, colon, path = text.partition(":")
    return Place(resolve(repository, revision or ("HEAD" if colon else "")), path if colon else None)


def _split_steps(text: str) -> tuple[str, list[tuple[str, int]]]:
    cut = re.search(r"[~^]", text)
    name, rest = (text, "") if cut is None else (text[: cut.start()], text[cut.start() :])
    steps = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise InvalidInputError(
                f"'{text}' is not a revision: '{rest[position:]}' cannot be understood",
                hint="'~2' goes back two commits, '^2' takes the second parent",
            )
        digits = match.group(1) if match.group(0)[0] == "~" else match.group(2)
        steps.append((match.group(0)[0], min(int(digits or 1), MAX_STEPS)))
        position = match.end()
    return name or "HEAD", steps


def _resolve_name(repository: Repository, name: str, text: str) -> str:
    past = _PAST.fullmatch(name)
    if past is not None:
        return _past_value(repository, past.group(1), int(past.group(2)))
    refs = repository.refs
    if name in ("HEAD", "@"):
        return repository.head_commit()
    for full in (name, BRANCHES + name, TAGS + name):
        if full in refs.table:
            return refs.table[full]
    if is_prefix(name):
        found = _commits_with_prefix(repository, name)
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInputError(
                f"'{name}' is the beginning of {len(found)} commits",
                hint="candidates: " + ", ".join(oid[:16] for oid in found[:5]),
            )
    raise RefNotFound(f"no branch, tag or commit is called '{text}'", hint=_suggestion(name, refs))


def _commits_with_prefix(repository: Repository, prefix: str) -> list[str]:
    candidates = [prefix] if len(prefix) == OID_DIGITS else repository.store.find(prefix)
    return [oid for oid in candidates if repository.kind_of(oid) == "commit"]


def _suggestion(name: str, refs: Refs) -> str:
    import difflib

    known = [*refs.branches(), *refs.tags()]
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else "'mh branch', 'mh tag' and 'mh log' list the names there are"


def _step(repository: Repository, commit: str, kind: str, count: int, text: str) -> str:
    if kind == "^":
        return commit if count == 0 else _parent(repository, commit, count, text)
    for _ in range(count):
        commit = _parent(repository, commit, 1, text)
    return commit


def _parent(repository: Repository, commit: str, number: int, text: str) -> str:
    parents = repository.get(commit, Commit).parents
    if number > len(parents):
        have = {0: "is the first of its line", 1: "has one parent"}.get(len(parents), f"has {len(parents)} parents")
        raise RefNotFound(
            f"'{text}' goes too far: commit {commit[:10]} {have}", hint="'mh log --graph' shows the history"
        )
    return parents[number - 1]


def _past_value(repository: Repository, name: str, back: int) -> str:
    """Return what a branch, or HEAD for no name, was `back` changes ago."""
    wanted = repository.refs.head if name == "" else BRANCHES + name
    if name in ("@", "HEAD"):
        wanted = "HEAD"
    last: str | None = None
    for _, operation in repository.operations():
        refs = Refs(operation.head, operation.refs)
        value = refs.head_commit if not wanted.startswith("refs/") else refs.table.get(wanted)
        if value is None or value == last:
            continue
        if back == 0:
            return _still_there(repository, value, name)
        back -= 1
        last = value
    raise RefNotFound(f"'{name}@{{…}}' has no value that far back", hint="'mh op log' shows what happened")


def _still_there(repository: Repository, commit: str, name: str) -> str:
    if repository.kind_of(commit) != "commit":
        raise RefNotFound(f"'{name}' was at commit {commit[:10]} then, which gc has deleted since")
    return commit
