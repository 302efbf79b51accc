"""Open the catalog as it was: the refs, and what they held, after an operation of the past."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection

from modelhub.catalog.commit_rows import CommitIngest
from modelhub.catalog.database import connect, mark_current, transaction
from modelhub.catalog.facts import Facts
from modelhub.catalog.lineage_rows import settle_parents
from modelhub.catalog.opening import open_current
from modelhub.catalog.ref_rows import drop_unheld, set_forgotten, set_refs
from modelhub.catalog.run_tables import drop_runs, mark_replaced
from modelhub.errors import InvalidInputError, RefNotFound, StateError
from modelhub.oid import is_prefix
from modelhub.repository.objects import Operation
from modelhub.repository.refs import Refs, describe
from modelhub.repository.repository import Repository
from modelhub.repository.revision import resolve

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_HINT = "as in: 2026-03-01, '2026-03-01 14:00', an operation of 'mh op log', or a revision"


@dataclass(frozen=True, slots=True)
class Moment:
    """The newest operation of a moment; `is_now`: nothing has happened since, so pending runs belong to it."""

    operation: str
    is_now: bool


def open_as_of(repository: Repository, text: str) -> Connection:
    """Return a catalog in memory with exactly what there was after an operation of the past.

    `text` is a date (its end, in local time), a date and time (with `Z` or `+02:00` if not local), an operation's id or
    the beginning of it (`op:ID` where it could be a revision too), or a revision: then the first operation after which
    a ref held that commit. Raises RefNotFound, InvalidInputError, and StateError where gc has deleted what was then.
    """
    with open_current(repository) as connection:
        memory = connect(":memory:")
        connection.backup(memory)
    try:
        moment = find_moment(repository, memory, text)
        operation = repository.get(moment.operation, Operation)
        _require_versions(repository, operation)
        with transaction(memory):
            _go_back(repository, memory, moment, operation)
    except BaseException:
        memory.close()
        raise
    return memory


def find_moment(repository: Repository, connection: Connection, text: str) -> Moment:
    """Return which operation was the newest at a moment. Raises RefNotFound, InvalidInputError."""
    text = text.strip()
    newest = repository.pointer().operation
    if _DATE.fullmatch(text) or _TIME.fullmatch(text):
        until = _milliseconds(text)
        return Moment(_at(connection, until, text), until >= time.time() * 1000)
    if text.startswith("op:"):
        operation = _operation(connection, text.removeprefix("op:"))
        if operation is None:
            raise RefNotFound(f"there is no operation '{text.removeprefix('op:')}'", hint="'mh op log' lists them")
        return Moment(operation, operation == newest)
    is_name = any(text == name for (name,) in connection.execute("select name from mh_refs"))
    found = None if is_name else _operation(connection, text)
    if found is None:
        found = _first_holding(repository, connection, text)
    return Moment(found, found == newest)


def _milliseconds(text: str) -> int:
    """The last millisecond of a day, or a time; local where no zone is named."""
    try:
        if _DATE.fullmatch(text):
            moment = (datetime.fromisoformat(text) + timedelta(days=1)).astimezone() - timedelta(milliseconds=1)
        else:
            compact = re.sub(r"\s+(?=[Zz+-])", "", text.strip())
            moment = datetime.fromisoformat(compact).astimezone()
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidInputError(f"'{text}' is no date or time", hint=_HINT) from None


def _at(connection: Connection, until: int, text: str) -> str:
    query = "select o.oid from mh_operations n join mh_oids o on o.no = n.no where n.time <= ?"
    query += " order by n.sequence desc limit 1"
    row = connection.execute(query, (until,)).fetchone()
    if row is None:
        first = connection.execute(
            "select strftime('%Y-%m-%dT%H:%M:%SZ', min(time) / 1000.0, 'unixepoch') from mh_operations"
        ).fetchone()
        raise RefNotFound(f"there was nothing here yet at '{text}'", hint=f"the first operation was at {first[0]}")
    return str(row[0])


def _operation(connection: Connection, prefix: str) -> str | None:
    if not is_prefix(prefix):
        return None
    query = (
        "select o.oid from mh_operations n join mh_oids o on o.no = n.no where o.oid glob ? order by n.sequence desc"
    )
    found = [str(oid) for (oid,) in connection.execute(query, (prefix + "*",))]
    if len(found) > 1:
        candidates = ", ".join(oid[:16] for oid in found[:5])
        raise InvalidInputError(
            f"'{prefix}' is the beginning of {len(found)} operations", hint=f"candidates: {candidates}"
        )
    return found[0] if found else None


def _first_holding(repository: Repository, connection: Connection, text: str) -> str:
    """The first operation after which HEAD, a branch or a tag held the commit that a revision names."""
    try:
        commit = resolve(repository, text)
    except RefNotFound as error:
        raise RefNotFound(f"'{text}' is no date, operation or revision", hint=error.hint or _HINT) from None
    query = """
        with recursive held(no) as (
          select no from mh_oids where oid = ?
          union
          select p.commit_no from held h join mh_parents p on p.parent_no = h.no
        )
        select h.no, o.oid from held h join mh_oids o on o.no = h.no
    """
    held = dict(connection.execute(query, (commit,)))
    heads = frozenset(held.values())
    moves = connection.execute(
        "select o.oid, n.head, r.new_no from mh_operations n join mh_oids o on o.no = n.no"
        " left join mh_ref_changes r on r.operation_no = n.no order by n.sequence"
    )
    first = next((str(oid) for oid, head, target in moves if target in held or head in heads), None)
    if first is None:
        raise RefNotFound(f"no operation is known after which a ref held '{text}'", hint="'mh op log' lists them")
    return first


def _require_versions(repository: Repository, operation: Operation) -> None:
    refs = Refs(operation.head, operation.refs)
    for commit in sorted(refs.held()):
        if repository.kind_of(commit) != "commit":
            name = next((describe(ref) for ref, target in operation.refs.items() if target == commit), "HEAD")
            raise StateError(
                f"what {name} held then was deleted by gc since: commit {commit[:10]}", hint="ask for a later moment"
            )


def _go_back(repository: Repository, connection: Connection, moment: Moment, operation: Operation) -> None:
    """Forget all later operations, and hold what the refs held then."""
    later = "select no from mh_operations where sequence > ?"
    connection.execute(f"delete from mh_ref_changes where operation_no in ({later})", (operation.sequence,))  # noqa: S608
    connection.execute("delete from mh_operations where sequence > ?", (operation.sequence,))
    held = set_refs(connection, operation)
    set_forgotten(connection, repository, operation)
    with contextlib.closing(Facts(repository)) as known:
        ingest = CommitIngest(repository, connection, known)
        for commit in sorted(held.now):
            ingest.add(commit)
    drop_unheld(connection, held)
    if not moment.is_now:
        drop_runs(
            connection, [no for (no,) in connection.execute("select no from mh_runs where is_pending").fetchall()]
        )
    mark_replaced(connection)
    settle_parents(connection)
    mark_current(connection, moment.operation)
