"""Lock a connection down for SQL that people write: nothing but reading the public views, within limits.

The locks, each enough alone against most attacks: the file is opened read-only, `query_only`, an allow-list for every
operation the compiler asks about, small limits, a deadline and a memory cap checked while the query runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
import time
from typing import Literal

from modelhub.catalog.query.additions import VIEW_FUNCTIONS, Additions
from modelhub.catalog.query.functions import FUNCTIONS, MOST_NBYTES, register_functions
from modelhub.catalog.views.registry import BY_NAME

MOST_MEMORY_NBYTES = 1 << 30
STEPS_BETWEEN_CHECKS = 1000

# SQLite tells from inside which view a table is read: the innermost, or the innermost named common table expression.
# A query may therefore name none of its own like these, nor mention them (see `sql.py`).
WALK_NAMES = frozenset({"mh_walk"})
TABLES = frozenset(
    f"mh_{name}"
    for name in [
        "meta",
        "oids",
        "commits",
        "parents",
        "params",
        "metrics",
        "refs",
        "forgotten",
        "operations",
        "ref_changes",
        "directories",
        "entries",
        "manifests",
        "manifest_tensors",
        "tensors",
        "storage",
        "differences",
        "lint",
        "derivations",
        "models",
        "runs",
        "commit_runs",
        "run_params",
        "run_tags",
        "series",
        "numbers",
        "usages",
        "environments",
        "packages",
        "lineage",
        "pieces",
    ]
)
_INSIDE = frozenset(BY_NAME) | WALK_NAMES
_JSON_TABLES = frozenset({"json_each", "json_tree"})

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MOST_NBYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 50_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 128,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}

Stop = Literal["time", "memory"]


@dataclasses.dataclass(slots=True)
class Sandbox:
    """What happened inside: the first operation that was refused (kind, name), and why a query was stopped.

    `own_names`: the common table expressions of the query, which are its own to read; `own_views`: the temporary views
    that were made for it.
    """

    own_names: frozenset[str] = frozenset()
    own_views: frozenset[str] = frozenset()
    refused: tuple[str, str] | None = None
    stopped: Stop | None = None
    deadline: float = 0.0
    memory_limit: int = 0

    def refuse(self, kind: str, name: str | None) -> int:
        """Note a refusal and answer it."""
        self.refused = self.refused or (kind, name or "")
        return sqlite3.SQLITE_DENY

    def authorize(self, action: int, one: str | None, two: str | None, _database: str | None, view: str | None) -> int:
        """Answer the compiler: may this query do that?"""
        inside = view is not None and (view.lower() in _INSIDE or view.lower() in self.own_views)
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            return self._authorize_read((one or "").lower(), two or "", inside=inside)
        if action == sqlite3.SQLITE_FUNCTION:
            name = (two or "").lower()
            allowed = name in FUNCTIONS or (name in VIEW_FUNCTIONS and inside)
            return sqlite3.SQLITE_OK if allowed else self.refuse("function", two)
        return self.refuse("write", one)

    def _authorize_read(self, table: str, column: str, *, inside: bool) -> int:
        if table in BY_NAME or table in _JSON_TABLES or table in self.own_views:
            return sqlite3.SQLITE_OK
        # Without a column: one of which no column is used. No query can mention a table by its name (see `sql.py`).
        if table in TABLES and (inside or not column):
            return sqlite3.SQLITE_OK
        if table in self.own_names and not column:
            return sqlite3.SQLITE_OK
        return self.refuse("table", table)

    def check(self) -> bool:
        """Tell, while a query runs, whether to stop it."""
        if time.monotonic() > self.deadline:
            self.stopped = "time"
        elif self.memory_limit and memory_nbytes() > self.memory_limit:
            self.stopped = "memory"
        return self.stopped is not None


def lock_down(
    connection: sqlite3.Connection,
    timeout_s: float,
    own_names: frozenset[str],
    additions: Additions | None = None,
) -> Sandbox:
    """Take everything from the connection but reading the views, from now until `timeout_s` seconds later."""
    connection.set_authorizer(None)
    connection.execute("pragma temp_store = memory")
    connection.execute("pragma trusted_schema = off")
    register_functions(connection)
    if additions is not None:
        additions.register(connection)
    connection.execute("select 1 from json_each('[]')")  # its first use asks to change the schema
    connection.execute("pragma query_only = on")
    connection.text_factory = _decode
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    _set_defences(connection)
    used = memory_nbytes()
    sandbox = Sandbox(
        own_names=own_names,
        own_views=frozenset() if additions is None else frozenset(additions.views),
        deadline=time.monotonic() + timeout_s,
        memory_limit=used + MOST_MEMORY_NBYTES if used else 0,
    )
    connection.set_progress_handler(sandbox.check, STEPS_BETWEEN_CHECKS)
    connection.set_authorizer(sandbox.authorize)
    return sandbox


def memory_nbytes() -> int:
    """Return the memory this process holds, or 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(descriptor, 100).split()[1]) * os.sysconf("SC_PAGE_SIZE")
        finally:
            os.close(descriptor)
    return 0


def _set_defences(connection: sqlite3.Connection) -> None:
    """Switch off what only Python 3.12 and newer can reach."""
    setconfig = getattr(connection, "setconfig", None)
    for name, value in (("DEFENSIVE", True), ("ENABLE_LOAD_EXTENSION", False), ("ENABLE_TRIGGER", False)):
        if setconfig is not None:
            setconfig(getattr(sqlite3, f"SQLITE_DBCONFIG_{name}"), value)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
