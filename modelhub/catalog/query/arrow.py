"""A query's rows as Arrow data: for data frames in this process, and as Arrow and Parquet files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelhub.errors import StateError

if TYPE_CHECKING:
    from modelhub.catalog.query.result import QueryResult


def arrow_table(result: QueryResult) -> Any:
    """Return the rows as an arro3 table: int64, float64, utf8 and binary columns, each with room for NULL.

    Columns of one name get a number, since most readers refuse them. Raises StateError where arro3-core is missing.
    """
    try:
        from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
    except ImportError:
        raise _missing("arro3-core") from None
    kinds = {
        "text": DataType.utf8(),
        "integer": DataType.int64(),
        "real": DataType.float64(),
        "blob": DataType.binary(),
        "null": DataType.utf8(),  # nothing was found: readers want some type
    }
    names = unique_names(result.columns)
    fields = [Field(name, kinds[kind], nullable=True) for name, kind in zip(names, result.types, strict=True)]
    schema = Schema(fields)
    arrays = [Array(result.column(index), type=kinds[kind]) for index, kind in enumerate(result.types)]
    batches = [RecordBatch.from_arrays(arrays, schema=schema)] if arrays else []
    return Table.from_batches(batches, schema=schema)


def arrow_file(result: QueryResult) -> bytes:
    """Return the rows as an Arrow IPC file (what `.arrow` and `.feather` files hold)."""
    return _written("write_ipc", result)


def arrow_stream(result: QueryResult) -> bytes:
    """Return the rows as an Arrow IPC stream, the form for pipes."""
    return _written("write_ipc_stream", result)


def parquet_file(result: QueryResult) -> bytes:
    """Return the rows as a Parquet file."""
    return _written("write_parquet", result)


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names, a number behind each that was there before: `a`, `a_1`."""
    taken = set(names)
    seen: set[str] = set()
    found = []
    for name in names:
        choice, number = name, 0
        while choice in seen or (number and choice in taken):
            number += 1
            choice = f"{name}_{number}"
        seen.add(choice)
        found.append(choice)
    return found


def _written(function: str, result: QueryResult) -> bytes:
    table = arrow_table(result)
    try:
        import arro3.io
    except ImportError:
        raise _missing("arro3-io") from None
    sink = _KeptOpen()
    getattr(arro3.io, function)(table, sink)
    return sink.getvalue()


class _KeptOpen(io.BytesIO):
    """A buffer that outlives its writer, which may close it."""

    def close(self) -> None:
        """Do nothing: the bytes are still wanted."""


def _missing(package: str) -> StateError:
    return StateError(f"Arrow needs the package {package}", hint="install it: pip install 'modelhub[arrow]'")
