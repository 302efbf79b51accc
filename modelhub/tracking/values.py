"""What may be said of a run: numbers, names and params, as plain Python values."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from modelhub.errors import InvalidInputError
from modelhub.repository.objects import Goal, ParamValue

MOST_DEPTH = 20


def as_number(name: str, value: Any) -> float:
    """Return a metric's value. Takes what `float()` takes but text: numbers of numpy, tensors of one element.

    Raises InvalidInputError, which names the metric.
    """
    try:
        if not isinstance(value, (str, bytes, bytearray)):
            item = getattr(value, "item", None)
            return float(item() if item is not None else value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    raise InvalidInputError(
        f"the metric '{name}' is {_shown(value)}, not one number", hint="a param takes text; of a tensor log its mean"
    )


def check_name(name: object, what: str) -> str:
    """Return the name of a metric, param or tag. Raises InvalidInputError where it cannot be one."""
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        raise InvalidInputError(f"{name!r} cannot be the name of a {what}")
    return name


def as_title(name: object) -> str:
    """Return the name of a run, "" for none. Raises InvalidInputError."""
    if name is not None and not isinstance(name, str):
        raise InvalidInputError(f"the name of a run is a text, not {name!r}")
    return _text("the name of the run", name or "")


def as_params(values: object) -> dict[str, ParamValue]:
    """Return params as they are recorded; numbers of numpy and torch become Python's. Raises InvalidInputError.

    As in files of params, nested tables become names with dots (`optimizer.lr`), and lists JSON text.
    """
    return {check_name(name, "param"): _param(name, value) for name, value in _flat(as_table(values, "params"), "", 0)}


def as_metrics(values: object) -> dict[str, float]:
    """Return metrics as they are recorded. Raises InvalidInputError."""
    return {check_name(name, "metric"): as_number(name, value) for name, value in as_table(values, "metrics").items()}


def as_tags(values: object) -> dict[str, str]:
    """Return tags, whose values are texts. Raises InvalidInputError."""
    return {
        check_name(name, "tag"): _text(f"the tag '{name}'", str(value))
        for name, value in as_table(values, "tags").items()
    }


def as_table(values: object, what: str) -> Mapping[Any, Any]:
    """Return a mapping, an empty one for None. Raises InvalidInputError for anything else."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidInputError(f"{what} are a mapping from names to values, not {_shown(values)}")
    return values


def as_goals(values: object) -> dict[str, Goal]:
    """Return goals, each "min" or "max". Raises InvalidInputError."""
    values = as_table(values, "goals")
    for name, goal in values.items():
        check_name(name, "metric")
        if goal not in ("min", "max"):
            raise InvalidInputError(f"the goal of '{name}' is {goal!r}", hint="it is 'min' or 'max'")
    return dict(values)


def _flat(values: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[Any, Any]]:
    if depth > MOST_DEPTH:
        raise InvalidInputError(f"the param '{prefix[:40]}…' is nested more than {MOST_DEPTH} deep")
    for name, value in values.items():
        full = f"{prefix}{name}" if prefix else name
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{full}.", depth + 1)
        else:
            yield full, value


def _param(name: str, value: Any) -> ParamValue:
    if isinstance(value, (list, tuple, Mapping)):
        value = _as_json(name, value)
    if not isinstance(value, (str, int, float)) and value is not None:
        item = getattr(value, "item", None)
        try:
            value = os.fspath(value) if isinstance(value, os.PathLike) else item() if item is not None else value
        except (TypeError, ValueError, RuntimeError):
            item = None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(f"the param '{name}'", str(value))
    if isinstance(value, int) and abs(value) < 1 << 63:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise InvalidInputError(
        f"the param '{name}' is {_shown(value)}, which cannot be recorded as a number", hint="give it as text"
    )


def _as_json(name: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError):
        raise InvalidInputError(
            f"the param '{name}' is {_shown(value)} with something in it that cannot be written as JSON",
            hint="give it as text",
        ) from None


def _plain(value: Any) -> Any:
    """Return what a number of numpy or torch is for Python."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if getattr(value, "shape", None) != ():
        raise TypeError("not a single value")
    return value.item()


def _text(what: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"{what} is not valid Unicode text", hint="write it anew in UTF-8") from None
    return text


def _shown(value: object) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None and tuple(shape):
        return f"a {type(value).__name__} of shape {tuple(shape)}"
    return f"{value!r:.40}" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
