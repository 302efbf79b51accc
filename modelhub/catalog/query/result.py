"""What a query gives back: rows for programs, a table for notebooks, Arrow for data frames."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any, Literal

Value = str | int | float | bytes | None
ValueType = Literal["text", "integer", "real", "blob", "null"]

_HTML_ROWS = 50
_TYPES: dict[type, ValueType] = {str: "text", int: "integer", float: "real", bytes: "blob"}


class QueryResult:
    """The rows of one query, all in memory. `truncated` tells that there were more than the limit allowed.

    `types` says what was found in each column: "integer", "real", "text", "blob", or "null" for nothing. A column with
    both integers and reals is "real", one with anything else mixed is "text".
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[Value, ...]], *, truncated: bool = False) -> None:
        self.columns = tuple(columns)
        self.truncated = truncated
        self._rows = list(rows)
        self.types = tuple(_type_of([row[index] for row in self._rows]) for index in range(len(self.columns)))

    def rows(self) -> list[tuple[Value, ...]]:
        """Return the rows as tuples."""
        return self._rows

    def dicts(self) -> list[dict[str, Value]]:
        """Return the rows as dicts; of columns with one name the last wins."""
        return [dict(zip(self.columns, row, strict=True)) for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return iter(self._rows)

    def __repr__(self) -> str:
        more = ", truncated" if self.truncated else ""
        return f"<QueryResult {len(self._rows)} rows: {', '.join(self.columns)}{more}>"

    def _repr_html_(self) -> str:
        """Show the first rows as a table in a notebook."""
        head = "".join(f"<th>{html.escape(column)}</th>" for column in self.columns)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self._rows[:_HTML_ROWS])
        hidden = len(self._rows) - _HTML_ROWS
        note = f"<p>and {hidden:,} more rows</p>" if hidden > 0 else "<p>truncated</p>" if self.truncated else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return an Arrow stream (PyCapsule), so that polars, pandas, pyarrow and duckdb read the result directly.

        Raises StateError where arro3-core is not installed.
        """
        from modelhub.catalog.query.arrow import arrow_table

        stream: object = arrow_table(self).__arrow_c_stream__(requested_schema)
        return stream

    def column(self, index: int) -> list[Any]:
        """Return the values of one column, all of the type that `types` names."""
        kind = self.types[index]
        values = [row[index] for row in self._rows]
        if kind == "real":
            return [None if value is None else float(value) for value in values]
        if kind == "text":
            return [None if value is None else _as_text(value) for value in values]
        return values


def _type_of(values: list[Value]) -> ValueType:
    found = {_TYPES[type(value)] for value in values if value is not None}
    if len(found) == 1:
        return found.pop()
    if not found:
        return "null"
    return "real" if found == {"integer", "real"} else "text"


def _as_text(value: Value) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _cell(value: Value) -> str:
    if value is None:
        return "<td><i>NULL</i></td>"
    if isinstance(value, int | float):
        return f'<td style="text-align: right">{value}</td>'
    return f"<td>{html.escape(_as_text(value))}</td>"
