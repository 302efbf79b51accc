"""Show the answer to a query: as a table through the pager, in a format for programs, or in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelhub.cli.options import print_rows
from modelhub.cli.output.destination import BINARY_FORMATS, save_bytes, save_lines
from modelhub.cli.output.formats import encode_rows, show_rows
from modelhub.cli.output.quantities import count
from modelhub.cli.output.terminal import Terminal
from modelhub.errors import InvalidInputError
from modelhub.porcelain.query import query

if TYPE_CHECKING:
    from modelhub.catalog.query.result import QueryResult
    from modelhub.cli.context import Session

SCREEN_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Asking:
    """How queries are asked and answered. `limit` None: as many rows as the format is made for."""

    style: str = "table"
    output: Path | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    timeout_s: float = 10.0
    as_of: str | None = None


def answer(session: Session, sql: str, asking: Asking) -> QueryResult:
    """Ask one query and show what it gives."""
    screen = asking.style == "table" and asking.output is None
    limit = SCREEN_ROWS if asking.limit is None and screen else asking.limit
    result = query(
        session.repository,
        sql=sql,
        params=asking.params,
        limit=limit,
        timeout_s=asking.timeout_s,
        as_of=asking.as_of,
    )
    _show(session, result, asking)
    if result.truncated:
        more = "--limit N shows N" if limit is not None else "a result holds at most 64 MB"
        session.say(f"only {count(len(result), 'row')} shown: there are more, {more}")
    return result


def refuse_binary_on_terminal(session: Session, asking: Asking) -> None:
    """Raise InvalidInputError before anything is asked whose answer would be bytes on a person's screen."""
    if asking.style in BINARY_FORMATS and asking.output is None and session.terminal.interactive:
        raise InvalidInputError(
            f"{asking.style} is not for a terminal", hint=f"-o FILE writes it to a file: -o answer.{asking.style}"
        )


def _show(session: Session, result: QueryResult, asking: Asking) -> None:
    if asking.style in BINARY_FORMATS:
        _give_bytes(result, asking)
    elif asking.output is not None:
        save_lines(asking.output, _lines(result, asking.style))
    elif asking.style == "table":
        session.page(show_rows(result.columns, result.rows(), session.terminal))
    else:
        print_rows(session, asking.style, "query", result.columns, result.rows())
    if asking.output is not None:
        session.say(f"{count(len(result), 'row')} written to '{asking.output}'")


def _lines(result: QueryResult, style: str) -> Any:
    if style == "table":
        return show_rows(result.columns, result.rows(), Terminal())
    return encode_rows(style, "query", result.columns, result.rows())


def _give_bytes(result: QueryResult, asking: Asking) -> None:
    from modelhub.catalog.query.arrow import arrow_file, arrow_stream, parquet_file

    if asking.output is not None:
        save_bytes(asking.output, parquet_file(result) if asking.style == "parquet" else arrow_file(result))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(parquet_file(result) if asking.style == "parquet" else arrow_stream(result))
