"""Numbers and words from files of params and metrics: YAML 1.2, JSON and TOML, flattened.

The only module that reads YAML, with a loader that makes plain values and nothing else.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from modelhub.errors import FormatError
from modelhub.repository.objects import ParamValue

MOST_DEPTH = 20
MOST_VALUES = 10_000

_WORDS = {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "null": r"~|null|Null|NULL|",
}
_loader: Any = None


def read_values(name: str, data: bytes) -> object:
    """Return what a file of this name holds. Raises FormatError where that cannot be told."""
    try:
        if name.endswith((".yaml", ".yml", ".dvc", ".lock")):
            return _read_yaml(data)
        if name.endswith(".toml"):
            import tomllib

            return tomllib.loads(data.decode("utf-8"))
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"'{name}' cannot be understood: {error}") from None


def flattened(values: object) -> dict[str, ParamValue]:
    """Return the single values of nested tables by their dotted names; lists are left out."""
    return dict(_flatten(values, "", 0)[:MOST_VALUES])


def as_params(values: dict[str, ParamValue]) -> dict[str, ParamValue]:
    """Return what can be recorded as params: numbers that do not fit become text."""
    found = {}
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        if isinstance(value, int) and abs(value) >= 1 << 63:
            value = str(value)
        if _is_text(name) and name == name.strip() and name and _is_text(str(value)):
            found[name] = value
    return found


def as_metrics(values: dict[str, ParamValue]) -> dict[str, float]:
    """Return what can be recorded as metrics: the numbers."""
    found = {}
    for name, value in as_params(values).items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = float(value)
        elif isinstance(values[name], float):
            found[name] = float(str(value))
    return found


def _flatten(values: object, name: str, depth: int) -> list[tuple[str, ParamValue]]:
    if isinstance(values, dict):
        found: list[tuple[str, ParamValue]] = []
        for key, value in values.items() if depth < MOST_DEPTH else ():
            if len(found) < MOST_VALUES:
                found += _flatten(value, f"{name}.{key}" if name else str(key), depth + 1)
        return found
    if name and (values is None or isinstance(values, str | int | float | bool)):
        return [(name, values)]
    return []


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _read_yaml(data: bytes) -> object:
    loader = _yaml_loader()
    import yaml

    try:
        return yaml.load(data, loader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _yaml_loader() -> Any:
    """Return a safe loader with the words of YAML 1.2: '1e-3' is a number, 'no' and '2020-01-01' are text."""
    global _loader
    if _loader is None:
        import yaml

        made: Any = type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": {}})
        for kind, words in _WORDS.items():
            made.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{words})$"), None)
        made.add_constructor("tag:yaml.org,2002:int", _construct_int)
        _loader = made
    return _loader


def _construct_int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
