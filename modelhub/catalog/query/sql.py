"""Run SQL that people write over the public views: read-only, bounded in time, memory and rows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelhub.catalog.database import CatalogUnusableError, is_damage, open_catalog_read_only
from modelhub.catalog.query.additions import Additions
from modelhub.catalog.query.common_tables import definitions, expansions
from modelhub.catalog.query.hints import explain, stopped
from modelhub.catalog.query.result import QueryResult, Value
from modelhub.catalog.query.sandbox import TABLES, WALK_NAMES, Sandbox, lock_down
from modelhub.catalog.query.tokens import Token, second_statement, tokenize
from modelhub.catalog.views.registry import BY_NAME
from modelhub.errors import ModelHubError, QuerySyntaxError

LIMIT_ROWS = 10_000
TIMEOUT_S = 10.0
MOST_TEXT = 50_000
MOST_RESULT_NBYTES = 64_000_000

_MOST_EXPANSIONS = 1_000
_FIRST_WORDS = ("select", "with", "values", "explain")
_RESERVED = ("mh_", "sqlite_", "pragma_", "json_", "tensor_diff")
_BEFORE_VALUES = frozenset("(,=<>+-*/%|&") | frozenset(
    ("and", "or", "not", "like", "glob", "in", "is", "between", "select", "distinct", "where", "on", "having", "by")
)


def run(
    path: Path | None,
    text: str,
    *,
    params: Mapping[str, Any] | None = None,
    limit_rows: int | None = LIMIT_ROWS,
    timeout_s: float = TIMEOUT_S,
    in_memory: sqlite3.Connection | None = None,
    additions: Additions | None = None,
) -> QueryResult:
    """Run one SELECT and return its rows, `limit_rows` at most (None: as many as 64 MB hold).

    `params` gives values for `:name`. `in_memory` is a catalog built in memory, asked instead of the file at `path`; it
    can do nothing but answer queries from then on. `additions` are what the
    views that it asks need.
    Raises QuerySyntaxError (with the position in the text where known), CatalogUnusableError.
    """
    tokens = _screen(text)
    _check_params(text, params or {})
    own_names = frozenset(tokens[index].name for index in definitions(tokens))
    connection = in_memory if in_memory is not None else _open(path)
    try:
        sandbox = lock_down(connection, timeout_s, own_names, additions)
        return _execute(connection, sandbox, text, params or {}, limit_rows)
    except (sqlite3.Error, sqlite3.Warning) as error:
        cause = None if additions is None else additions.error()
        if isinstance(cause, ModelHubError):
            raise cause from None
        raise _described(error, connection, sandbox, text, tokens, timeout_s) from None
    finally:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)
        if in_memory is None:
            connection.close()


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        raise CatalogUnusableError("there is no catalog")
    return open_catalog_read_only(path)


def _screen(text: str) -> list[Token]:
    """Refuse what can be seen from the text alone, with better words than SQLite has."""
    if len(text) > MOST_TEXT or "\0" in text or not _encodes(text):
        raise QuerySyntaxError(f"the query is longer than {MOST_TEXT:,} characters or not text", text=text[:200])
    tokens = tokenize(text)
    if not tokens:
        raise QuerySyntaxError("the query is empty", text=text, position=0, hint="as in: select * from commits")
    later = second_statement(tokens)
    if later is not None:
        raise QuerySyntaxError(
            "one statement at a time", text=text, position=later.position, hint="drop what follows ';'"
        )
    if tokens[0].name not in _FIRST_WORDS:
        raise QuerySyntaxError(
            f"a query begins with 'select' or 'with', not with '{tokens[0].text}'",
            text=text,
            position=tokens[0].position,
            hint="this is read-only: mh query answers questions and changes nothing",
        )
    _refuse_names(text, tokens)
    _refuse_double_quotes(text, tokens)
    return tokens


def _check_params(text: str, params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        if not isinstance(value, str | int | float | bytes | None) or (
            isinstance(value, int) and abs(value) >= 1 << 63
        ):
            raise QuerySyntaxError(
                f"the value of ':{name}' is not one that SQL has", text=text, hint="give text, a number, bytes or None"
            )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_names(text: str, tokens: list[Token]) -> None:
    """Keep queries from mentioning the tables, and from naming anything so that it passes for a view."""
    hidden = TABLES | WALK_NAMES
    for token in tokens:
        if token.name in hidden:
            raise QuerySyntaxError(
                f"'{token.name}' is not a public view",
                text=text,
                position=token.position,
                hint="the views are: " + ", ".join(BY_NAME),
            )
    for index in definitions(tokens):
        token = tokens[index]
        if token.name in BY_NAME or token.name.startswith(_RESERVED):
            raise QuerySyntaxError(
                f"'{token.name}' cannot be the name of a table of your own",
                text=text,
                position=token.position,
                hint="choose another name after 'with'",
            )
    if expansions(tokens, _MOST_EXPANSIONS) >= _MOST_EXPANSIONS:
        raise QuerySyntaxError("the tables after 'with' build on each other too often", text=text, hint="use fewer")


def _refuse_double_quotes(text: str, tokens: list[Token]) -> None:
    """Refuse "text" in double quotes: SQLite takes an unknown column for text, and the answer is silently wrong."""
    known = {column.name for view in BY_NAME.values() for column in view.columns} | set(BY_NAME)
    counts = Counter(token.name for token in tokens if token.kind in ("word", "quoted", "string"))
    for before, token in pairwise(tokens):
        is_value = before.text in _BEFORE_VALUES or before.name in _BEFORE_VALUES
        if token.text[:1] == '"' and is_value and token.name not in known and counts[token.name] == 1:
            raise QuerySyntaxError(
                f"no column named '{token.name}'",
                text=text,
                position=token.position,
                hint="text stands in single quotes: '" + token.text[1:-1] + "'",
            )


def _execute(
    connection: sqlite3.Connection, sandbox: Sandbox, text: str, params: Mapping[str, Any], limit_rows: int | None
) -> QueryResult:
    cursor = connection.execute(text, dict(params))
    columns = [str(column[0]) for column in cursor.description or ()]
    rows: list[tuple[Value, ...]] = []
    nbytes = 0
    most = limit_rows if limit_rows is not None else MOST_RESULT_NBYTES
    try:
        for row in cursor:
            nbytes += _nbytes(row)
            if len(rows) == most or nbytes > MOST_RESULT_NBYTES:
                return QueryResult(columns, rows, truncated=True)
            rows.append(row)
    finally:
        cursor.close()
    return QueryResult(columns, rows)


def _nbytes(row: tuple[Value, ...]) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in row) + 64


def _described(
    error: Exception,
    connection: sqlite3.Connection,
    sandbox: Sandbox,
    text: str,
    tokens: list[Token],
    timeout_s: float,
) -> Exception:
    if sandbox.stopped is not None:
        return stopped(sandbox, text, timeout_s)
    if isinstance(error, sqlite3.Error) and is_damage(error) and sandbox.refused is None:
        return CatalogUnusableError(f"the catalog is damaged: {error}")
    if str(error) == "interrupted":
        return KeyboardInterrupt()  # type: ignore[return-value]
    return explain(error, text, tokens, sandbox, lambda view: _recorded_names(connection, view))


def _recorded_names(connection: sqlite3.Connection, view: str) -> list[str]:
    """Return the names of the metrics or params there are, at most 1,000."""
    connection.set_authorizer(None)
    select = {
        "metrics": "select distinct name from mh_metrics limit 1000",
        "params": "select distinct name from mh_params limit 1000",
    }
    try:
        return [str(row[0]) for row in connection.execute(select[view])]
    except sqlite3.Error:
        return []
