"""Make, open and replace the catalog's database file, and say whether it reflects the newest operation.

The catalog is derived: whatever is wrong with the file, `CatalogUnusableError` tells the caller to build it anew.
Rollback journal, not WAL: many systems carry an SQLite with the WAL-reset bug, and read-only media stay readable.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from modelhub.errors import StateError
from modelhub.files import link_new, remove, sync_folder
from modelhub.oid import oid_of

LEAST_SQLITE = (3, 35, 0)
BUSY_TIMEOUT_S = 30.0

_SCHEMA_FILE = Path(__file__).with_name("schema.sql")
_SETTINGS = """
pragma synchronous = full;
pragma foreign_keys = off;
pragma cell_size_check = on;
pragma trusted_schema = off;
pragma mmap_size = 0;
pragma temp_store = memory;
pragma cache_size = -32000;
"""


class CatalogUnusableError(Exception):
    """The database is missing, damaged, half made or of another version: build it anew from the objects.

    Never leaves porcelain.
    """


def schema_version(ddl: str) -> str:
    """Return the name of this schema: a change of any table, index or view makes another."""
    return oid_of(ddl.encode())[:16]


def create_catalog(path: Path | None) -> sqlite3.Connection:
    """Make an empty catalog in a new file, or in memory for None, and open it for writing."""
    ddl = _SCHEMA_FILE.read_text(encoding="utf-8")
    connection = connect(":memory:" if path is None else f"{path.absolute().as_uri()}?mode=rwc")
    with transaction(connection):
        for statement in ddl.split(";\n"):
            connection.execute(statement)
        set_meta(connection, "schema", schema_version(ddl))
    return connection


def open_catalog(path: Path) -> sqlite3.Connection:
    """Open an existing catalog for writing. Raises CatalogUnusableError."""
    return _checked(path, "rw")


def open_catalog_read_only(path: Path) -> sqlite3.Connection:
    """Open an existing catalog for reading. Raises CatalogUnusableError."""
    return _checked(path, "ro")


def connect(uri: str) -> sqlite3.Connection:
    """Open a database by its URI with the catalog's settings; transactions begin only where they are asked for."""
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        raise StateError(
            f"SQLite {sqlite3.sqlite_version} is too old for the catalog",
            hint="use a Python that comes with SQLite 3.35 or newer",
        )
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        for statement in _SETTINGS.strip().split("\n"):
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one write transaction: all of it is kept, durably, or nothing."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def meta(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a note about the catalog itself."""
    row = connection.execute("select value from mh_meta where key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write a note about the catalog itself, in the caller's transaction."""
    connection.execute("insert or replace into mh_meta (key, value) values (?, ?)", (key, value))


def is_current(connection: sqlite3.Connection, operation: str) -> bool:
    """Tell whether the catalog reflects this operation."""
    return meta(connection, "operation") == operation


def mark_current(connection: sqlite3.Connection, operation: str) -> None:
    """Note, in the transaction that made it so, that the catalog reflects this operation."""
    set_meta(connection, "operation", operation)


def replace_catalog(new: Path, final: Path) -> None:
    """Put a finished, closed catalog in the place of another. Only for the holder of the writer lock.

    The old file and its journal go first, durably: an old journal beside a new file would be played back into it.
    A crash between leaves no catalog, which only means that it is built again.
    """
    remove(final)
    remove(final.with_name(final.name + "-journal"))
    sync_folder(final.parent)
    link_new(new, final)
    remove(new)
    sync_folder(final.parent)


def damages(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite's own check finds wrong in the file, at most ten lines. Cost: reads the whole file."""
    try:
        lines = [str(row[0]) for row in connection.execute("pragma integrity_check(10)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if lines == ["ok"] else lines


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error means that the file itself is unusable, not the statement."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _checked(path: Path, mode: str) -> sqlite3.Connection:
    expected = schema_version(_SCHEMA_FILE.read_text(encoding="utf-8"))
    try:
        connection = connect(f"{path.absolute().as_uri()}?mode={mode}")
    except sqlite3.Error as error:
        raise CatalogUnusableError(f"the catalog cannot be opened: {error}") from error
    try:
        found = meta(connection, "schema")
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error):
            raise StateError("the catalog is busy: another program holds it", hint="try again") from error
        raise CatalogUnusableError(f"the catalog cannot be read: {error}") from error
    except sqlite3.Error as error:
        connection.close()
        raise CatalogUnusableError(f"the catalog is damaged: {error}") from error
    if found != expected:
        connection.close()
        raise CatalogUnusableError("the catalog was made by another version")
    return connection
