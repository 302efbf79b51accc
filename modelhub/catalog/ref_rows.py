"""Turn operations and refs into rows of the catalog, and keep only the commits that the refs hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from msgspec import Struct

from modelhub.catalog import rows, run_tables
from modelhub.errors import FormatError, ObjectNotFound
from modelhub.repository.forgotten import forgotten_in
from modelhub.repository.objects import Operation
from modelhub.repository.refs import BRANCHES, TAGS, Refs
from modelhub.repository.repository import Repository

_OF_A_COMMIT = (
    "parents",
    "params",
    "metrics",
    "derivations",
    "directories",
    "lint",
    "models",
    "lineage",
    "commit_runs",
)


class Held(Struct, frozen=True):
    """The commits that HEAD, branches and tags name, before a change of refs and after it."""

    before: frozenset[str]
    now: frozenset[str]


def add_operation(connection: sqlite3.Connection, repository: Repository, oid: str, operation: Operation) -> None:
    """Add an operation and the refs it changed."""
    previous = None if operation.previous is None else rows.oid_no(connection, operation.previous)
    undoes = None if operation.undoes is None else rows.oid_no(connection, operation.undoes)
    number = rows.oid_no(connection, oid)
    row = (
        number, operation.sequence, previous, operation.time, operation.offset, operation.author.name,
        operation.author.email, operation.command, operation.head, undoes,
    )  # fmt: skip
    rows.add_operations(connection, [row])
    rows.add_ref_changes(connection, list(_ref_changes(connection, repository, number, operation)))


def set_refs(connection: sqlite3.Connection, operation: Operation) -> Held:
    """Make the refs those after an operation; return which commits they held and hold."""
    known = connection.execute("select o.oid from mh_refs r join mh_oids o on o.no = r.commit_no")
    before = frozenset(oid for (oid,) in known)
    refs = Refs(operation.head, operation.refs)
    found = []
    for name, commit in operation.refs.items():
        kind = "branch" if name.startswith(BRANCHES) else "tag"
        short = name.removeprefix(BRANCHES).removeprefix(TAGS)
        found.append((kind, short, rows.oid_no(connection, commit), int(name == operation.head)))
    if refs.head_commit is not None:
        found.append(("head", "HEAD", rows.oid_no(connection, refs.head_commit), 1))
    rows.replace_refs(connection, found)
    return Held(before, refs.held())


def set_forgotten(connection: sqlite3.Connection, repository: Repository, operation: Operation) -> None:
    """Make the forgotten versions those after an operation; where their list is damaged fsck tells of it."""
    try:
        marks = forgotten_in(repository, operation.forgotten)
    except (ObjectNotFound, FormatError):
        marks = {}
    found = [(rows.oid_no(connection, oid), mark.time, mark.author.name) for oid, mark in sorted(marks.items())]
    rows.replace_forgotten(connection, found)


def drop_unheld(connection: sqlite3.Connection, held: Held) -> None:
    """Take out the commits that no ref holds any more: undone, or of a deleted branch. Cheap where there are none."""
    now = _numbers(connection, held.now)
    gone = [no for no in _numbers(connection, held.before - held.now) if not _descends(connection, now, no)]
    if not gone:
        return
    kept = _ancestors(connection, now)
    dropped = [(no,) for (no,) in connection.execute("select no from mh_commits").fetchall() if no not in kept]
    connection.executemany("delete from mh_commits where no = ?", dropped)
    for table in _OF_A_COMMIT:
        connection.executemany(f"delete from mh_{table} where commit_no = ?", dropped)  # noqa: S608
    connection.executemany("delete from mh_environments where is_run = 0 and owner_no = ?", dropped)
    left = "select no from mh_runs r where not is_pending and no not in (select run_no from mh_commit_runs)"
    run_tables.drop_runs(connection, [no for (no,) in connection.execute(left).fetchall()])
    drop_unshown(connection)


def drop_unshown(connection: sqlite3.Connection) -> None:
    """Take out folders, files and how objects are stored that no commit or run in the catalog is made of."""
    connection.execute("delete from mh_entries where tree_no not in (select tree_no from mh_directories)")
    query = (
        "select no from mh_manifests where no not in (select manifest_no from mh_entries where manifest_no not null)"
    )
    unused = connection.execute(query).fetchall()
    connection.executemany("delete from mh_manifests where no = ?", unused)
    connection.executemany("delete from mh_manifest_tensors where manifest_no = ?", unused)
    connection.executemany("delete from mh_pieces where manifest_no = ?", unused)
    used = [
        "select no from mh_commits",
        "select tree_no from mh_directories",
        "select file_no from mh_entries where manifest_no is null",
        "select no from mh_manifests",
        "select piece_no from mh_pieces",
        "select w.oid_no from mh_manifest_tensors t join mh_tensors w on w.no = t.tensor_no",
        "select packages_no from mh_environments where packages_no is not null",
        "select object_no from mh_runs where object_no is not null",
        "select points_no from mh_runs where points_no is not null",
        "select stdout_no from mh_runs where stdout_no is not null",
        "select stderr_no from mh_runs where stderr_no is not null",
    ]
    connection.execute(f"delete from mh_storage where no not in ({' union '.join(used)})")  # noqa: S608
    connection.execute(f"delete from mh_packages where packages_no not in ({used[6]})")  # noqa: S608


def _ref_changes(
    connection: sqlite3.Connection, repository: Repository, number: int, operation: Operation
) -> Iterator[tuple[int, str, int | None, int | None]]:
    before: dict[str, str] = {}
    if operation.previous is not None:
        before = repository.get(operation.previous, Operation).refs
    for name in sorted(before.keys() | operation.refs.keys()):
        old, new = before.get(name), operation.refs.get(name)
        if old != new:
            numbers = [None if oid is None else rows.oid_no(connection, oid) for oid in (old, new)]
            yield number, name, numbers[0], numbers[1]


def _numbers(connection: sqlite3.Connection, oids: Iterable[str]) -> list[int]:
    return [rows.oid_no(connection, oid) for oid in oids]


def _descends(connection: sqlite3.Connection, starts: Iterable[int], wanted: int) -> bool:
    """Tell whether a commit is an ancestor of others; only commits of a higher generation are looked at."""
    row = connection.execute("select generation from mh_commits where no = ?", (wanted,)).fetchone()
    if row is None:
        return True
    return wanted in _ancestors(connection, starts, above=int(row[0]))


def _ancestors(connection: sqlite3.Connection, starts: Iterable[int], *, above: int = 0) -> set[int]:
    """Return the commits and those they descend from; parents of commits at or below a generation are left out."""
    found = set(starts)
    waiting = list(found)
    query = (
        "select p.parent_no from mh_parents p join mh_commits c on c.no = p.commit_no"
        " where p.commit_no = ? and c.generation > ?"
    )
    while waiting:
        for (parent,) in connection.execute(query, (waiting.pop(), above)):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found
