"""The SQL functions that queries may call, and safe forms of those that SQLite has too slow, or not at all."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from typing import Any

# What no value in a query may exceed, in bytes.
MOST_NBYTES = 2_000_000

_TEXT = """abs char coalesce concat concat_ws glob hex if ifnull iif instr length like likelihood likely lower ltrim
nullif octet_length quote replace round rtrim sign substr substring trim typeof unicode unlikely upper"""
_TIME = "current_date current_time current_timestamp date datetime julianday strftime time timediff unixepoch"
_AGGREGATES = """avg count group_concat max median min percentile percentile_cont percentile_disc string_agg sum total
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value"""
_MATHS = """acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow
power radians sin sinh sqrt tan tanh trunc"""
_JSON = """-> ->> json json_array json_array_length json_extract json_group_array json_group_object json_object
json_quote json_type json_valid"""

# Left out: what reaches files or settings, and printf, format, randomblob and zeroblob, which one call can run for
# seconds past every limit.
FUNCTIONS = frozenset(" ".join([_TEXT, _TIME, _AGGREGATES, _MATHS, _JSON]).split())


def register_functions(connection: sqlite3.Connection) -> None:
    """Give the connection every listed function that its SQLite lacks, and the safe forms."""
    connection.create_function("instr", 2, _instr, deterministic=True)
    connection.create_function("replace", 3, _replace, deterministic=True)
    for name, left, right in (("trim", True, True), ("ltrim", True, False), ("rtrim", False, True)):
        connection.create_function(name, 1, _trimmer(left=left, right=right), deterministic=True)
        connection.create_function(name, 2, _trimmer(left=left, right=right), deterministic=True)
    for name, count, function in _missing_maths(connection):
        connection.create_function(name, count, function, deterministic=True)


def _missing_maths(connection: sqlite3.Connection) -> list[tuple[str, int, Callable[..., Any]]]:
    try:
        connection.execute("select sqrt(1.0)")
    except sqlite3.OperationalError:
        return [(name, count, _number_function(function)) for name, count, function in _MATHS_FUNCTIONS]
    return []


_MATHS_FUNCTIONS: list[tuple[str, int, Callable[..., float]]] = [
    *((name, 1, getattr(math, name)) for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos")),
    *(
        (name, 1, getattr(math, name))
        for name in ("cosh", "degrees", "exp", "floor", "log10", "log2", "radians", "sin")
    ),
    *((name, 1, getattr(math, name)) for name in ("sinh", "sqrt", "tan", "tanh", "trunc")),
    ("ceiling", 1, math.ceil),
    ("ln", 1, math.log),
    ("log", 1, math.log10),
    ("log", 2, lambda base, value: math.log(value) / math.log(base)),
    ("atan2", 2, math.atan2),
    ("mod", 2, math.fmod),
    ("pow", 2, math.pow),
    ("power", 2, math.pow),
    ("pi", 0, lambda: math.pi),
]


def _number_function(function: Callable[..., float]) -> Callable[..., float | None]:
    """Give NULL for what is no number and where the result is none, as SQLite's own do."""

    def call(*values: Any) -> float | None:
        if any(not isinstance(value, int | float) for value in values):
            return None
        try:
            return function(*values)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None

    return call


def _instr(where: Any, what: Any) -> int | None:
    """Find text in time linear in its length; SQLite's own takes hours for two long strings made for it."""
    if where is None or what is None:
        return None
    if isinstance(where, bytes) and isinstance(what, bytes):
        return where.find(what) + 1
    return _text(where).find(_text(what)) + 1


def _replace(where: Any, old: Any, new: Any) -> Any:
    if where is None or old is None:
        return None
    before = _text(old)
    if not before:
        return where
    if new is None:
        return None
    text, after = _text(where), _text(new)
    if len(text) + text.count(before) * (len(after) - len(before)) > MOST_NBYTES:
        raise ValueError("the text becomes too long")
    return text.replace(before, after)


def _trimmer(*, left: bool, right: bool) -> Callable[..., str | None]:
    def trim(value: Any, characters: Any = " ") -> str | None:
        if value is None or characters is None:
            return None
        text, unwanted = _text(value), frozenset(_text(characters))
        start, end = 0, len(text)
        while left and start < end and text[start] in unwanted:
            start += 1
        while right and end > start and text[end - 1] in unwanted:
            end -= 1
        return text[start:end]

    return trim


def _text(value: Any) -> str:
    """Return a value as SQLite writes it in text: without a sign on zero."""
    if value in (math.inf, -math.inf):
        return "Inf" if value > 0 else "-Inf"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        digits, mark, exponent = f"{value or 0.0:.15g}".partition("e")
        return digits + ("" if "." in digits else ".0") + mark + exponent
    return str(value)
