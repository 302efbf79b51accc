"""The hyperparameters of frameworks, which hold anything, as params: texts, numbers, booleans and None."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec

from modelhub.repository.objects import ParamValue

MOST_PARAMS = 1_000
MOST_LETTERS = 300


def plain_params(values: object) -> dict[str, ParamValue]:
    """Return params by name; those of nested tables, dataclasses and namespaces have dots in theirs (`optimizer.lr`).

    Lists are JSON text. What has no short text of its own is recorded as its type.
    """
    found: dict[str, ParamValue] = {}
    for name, value in _flat(values, "", ()):
        if len(found) < MOST_PARAMS and name.strip() == name and name.isprintable() and name:
            found[name] = value
    return found


def _flat(values: object, prefix: str, above: tuple[int, ...]) -> Iterator[tuple[str, ParamValue]]:
    table = _table(values) or {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if id(value) in above:
            continue
        inner = _table(value)
        if inner:
            yield from _flat(inner, f"{name}.", (*above, id(value)))
        else:
            yield name, _plain(value)


def _table(value: object) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return vars(value) if type(value).__name__ in ("Namespace", "SimpleNamespace") else None


def _plain(value: Any) -> ParamValue:
    value = value.value if isinstance(value, Enum) else value
    if not isinstance(value, (str, int, float)) and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 63 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, (list, tuple, set, frozenset, Mapping)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        text = msgspec.json.encode(items, enc_hook=_text).decode()
        return text if len(text) <= MOST_LETTERS else f"{type(value).__name__} of {len(value)}"
    if isinstance(value, type) or callable(value):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    text = str(value)
    is_short = len(text) <= MOST_LETTERS and text.isprintable() and " at 0x" not in text
    return text if is_short else type(value).__qualname__
