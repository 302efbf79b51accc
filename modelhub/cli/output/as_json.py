"""Results as JSON in a versioned envelope: `{"mh.status/1": {...}}`.

A dataclass becomes an object with the same field names. Its `time` becomes ISO 8601 in UTC, as in the SQL views. NaN
and the infinities, which JSON has not, become the words "nan", "inf" and "-inf"; bytes become hex; ids are whole.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from modelhub.cli.output.quantities import iso_time


def plain(value: object) -> Any:
    """Return the value made of dicts, lists and plain values only."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return plain_float(value)
    if isinstance(value, (bytes, memoryview, bytearray)):
        return bytes(value).hex()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    names = _field_names(value)
    if names is not None:
        return {name: plain(field_value(value, name)) for name in names}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def field_value(record: object, name: str) -> object:
    """Return a field of a result as programs get it: the field `time`, in unix milliseconds, as ISO 8601."""
    value: object = getattr(record, name)
    return iso_time(value) if name == "time" and isinstance(value, int) else value


def plain_float(value: float) -> float | str:
    """Return a float JSON can hold, or the word for it."""
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _field_names(value: object) -> Iterable[str] | None:
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
    fields: Iterable[str] | None = getattr(value, "__struct_fields__", None)
    return fields


def envelope(name: str, value: object, *, ascii_only: bool = False, version: int = 1) -> str:
    """Return the whole JSON text of a result."""
    document = {f"mh.{name}/{version}": plain(value)}
    return json.dumps(document, indent=2, ensure_ascii=ascii_only, allow_nan=False)


def stream_list(name: str, values: Iterable[object], *, ascii_only: bool = False, version: int = 1) -> Iterator[str]:
    """Yield the lines of an envelope around a list, without holding the list."""
    yield f'{{"mh.{name}/{version}": ['
    waiting: str | None = None
    for value in values:
        if waiting is not None:
            yield waiting + ","
        waiting = "  " + one_line(value, ascii_only=ascii_only)
    if waiting is not None:
        yield waiting
    yield "]}"


def one_line(value: object, *, ascii_only: bool = False) -> str:
    """Return a value as one line of JSON, for JSON Lines."""
    return json.dumps(plain(value), ensure_ascii=ascii_only, allow_nan=False)
