"""Params and metrics that a version's own files hold: `params.*` and `metrics.*` at the top of the folder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct, field

from modelhub.errors import FormatError
from modelhub.porcelain.plain_values import read_values
from modelhub.repository.objects import ParamValue
from modelhub.repository.trees import Files

SUFFIXES = (".json", ".yaml", ".yml", ".toml")
PARAM_FILES = tuple("params" + suffix for suffix in SUFFIXES)
METRIC_FILES = tuple("metrics" + suffix for suffix in SUFFIXES)
MOST_NBYTES = 1 << 20
MOST_FACTS = 1_000
MOST_VALUES = 100_000
"""Of one file, lists and tables counted too: a YAML file of a few lines can stand for billions."""

Read = Callable[[str], bytes]


class FoundFacts(Struct):
    """What the files say; `warnings` tells of files that could not be taken."""

    params: dict[str, ParamValue] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def find_facts(files: Files, before: Files, read: Read) -> FoundFacts:
    """Read the params and metrics files among a version's files; `read` gives the content of a blob by its id.

    Nested tables become names with dots (`optimizer.lr`); lists are kept as JSON text. Metrics are numbers only. A
    metrics file that stayed as it was while a model changed was measured on the old model: it is left out, and said.
    """
    found = FoundFacts()
    for path in PARAM_FILES:
        if path in files:
            found.params |= dict(_values(files, path, read, found.warnings))
    for path in METRIC_FILES:
        if path not in files:
            continue
        if _is_stale(path, files, before):
            found.warnings.append(
                f"the metrics in '{path}' are not recorded again: the file is as it was, and a model has changed"
            )
            continue
        found.metrics |= {
            name: float(value)
            for name, value in _values(files, path, read, found.warnings)
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
    return found


def _is_stale(path: str, files: Files, before: Files) -> bool:
    """Model files are those with a manifest: their tensors, or at least their chunks, are known."""
    if path not in before or before[path].oid != files[path].oid:
        return False
    names = {name for table in (files, before) for name, entry in table.items() if entry.manifest is not None}
    return any(_oid(files, name) != _oid(before, name) for name in names)


def _oid(files: Files, path: str) -> str | None:
    return files[path].oid if path in files else None


def _values(files: Files, path: str, read: Read, warnings: list[str]) -> Iterator[tuple[str, ParamValue]]:
    entry = files[path]
    if entry.mode == "link" or entry.manifest is not None or entry.size > MOST_NBYTES:
        warnings.append(f"'{path}' is no plain file of at most 1 MiB: nothing was read from it")
        return
    try:
        top = read_values(path, read(entry.oid))
    except FormatError as error:
        warnings.append(error.message)
        return
    if sum(1 for _ in islice(_walk(top), MOST_VALUES)) == MOST_VALUES:
        warnings.append(f"'{path}' holds more than {MOST_VALUES:,} values: nothing was read from it")
        return
    if not isinstance(top, Mapping):
        warnings.append(f"'{path}' holds no table of names and values")
        return
    yield from _checked(path, list(_flat(top)), warnings)


def _checked(path: str, values: list[tuple[str, ParamValue]], warnings: list[str]) -> Iterator[tuple[str, ParamValue]]:
    if len(values) > MOST_FACTS:
        warnings.append(f"'{path}' has {len(values):,} values, of which the first {MOST_FACTS:,} are recorded")
    for name, value in values[:MOST_FACTS]:
        if not name.strip() or name != name.strip():
            warnings.append(f"'{path}': {name!r} cannot be a name")
        elif path in PARAM_FILES and isinstance(value, float) and not math.isfinite(value):
            yield name, str(value)
        else:
            yield name, value


def _walk(value: Any) -> Iterator[None]:
    yield None
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple | set) else ()
    for child in children:
        yield from _walk(child)


def _flat(table: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, ParamValue]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, name + ".")
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
            yield name, str(value)
        elif value is None or isinstance(value, str | int | float | bool):
            yield name, value
        else:
            yield name, _as_text(value)


def _as_text(value: Any) -> str:
    """Lists as JSON; dates and whatever else these languages have as they print."""
    try:
        return msgspec.json.encode(value).decode() if isinstance(value, list) else str(value)
    except (TypeError, ValueError):
        return str(value)
