"""Numbers as people read them: sizes, shares, changes, times and shortened ids."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache

SHORT_ID = 10

_PERIODS = (
    (365 * 86400, "year"), (30 * 86400, "month"), (7 * 86400, "week"), (86400, "day"), (3600, "hour"), (60, "minute"),
)  # fmt: skip
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def short(oid: str) -> str:
    """Return the beginning of an id that is enough for a person."""
    return oid[:SHORT_ID]


def size(nbytes: int) -> str:
    """Return a size in decimal units with three digits: '268 MB', '1.20 kB', '0 B'."""
    value, unit = float(nbytes), 0
    while abs(value) >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    if unit == 0:
        return f"{nbytes} B"
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return '1 file', '2 files'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", " ")


def number(value: object) -> str:
    """Return a param's or metric's value: floats with at most six digits, text as it is, a missing one as '-'."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def small(value: float | None) -> str:
    """Return a measure in three digits: '0.0120', '1.2e-05', '-' where there is none."""
    if value is None or math.isnan(value):
        return "-"
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    return f"{value:.3g}" if abs(value) < 0.001 or abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def closeness(cosine: float | None) -> str:
    """Return a cosine so that values near one stay apart: '0.99998'."""
    return "-" if cosine is None or math.isnan(cosine) else f"{cosine:.5f}"


def share(part: float | None) -> str:
    """Return a share of one as a percentage: '100 %', '3.2 %', '<0.1 %'."""
    if part is None or math.isnan(part):
        return "-"
    if 0 < part < 0.001:
        return "<0.1 %"
    percent = part * 100
    return f"{percent:.0f} %" if part == 0 or part >= 1 else f"{min(percent, 99.9):.1f} %"


def as_float(value: object) -> float | None:
    """Return a recorded number ('nan' and 'inf' are written as words), None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str) and value not in ("nan", "inf", "-inf"):
        return None
    return float(value) if isinstance(value, (int, float, str)) else None


def change(before: object, after: object) -> str:
    """Return how a number moved, absolute and relative: '+0.0169  +1.8 %'. Empty for what is not a number."""
    old, new = as_float(before), as_float(after)
    if old is None or new is None or not math.isfinite(new - old):
        return ""
    difference = new - old
    if difference == 0:
        return "="
    absolute = f"{difference:+.4g}"
    return f"{absolute}  {_relative(difference / abs(old))}" if old else absolute


def _relative(part: float) -> str:
    percent = part * 100
    digits = ".1f" if abs(percent) < 100 else ".0f" if abs(percent) < 1e6 else ".2g"
    return f"{percent:+{digits}} %"


def moment(time_ms: int, offset: int) -> str:
    """Return a recorded time in its own zone: '2026-01-31 14:05:09 +0100'."""
    if abs(offset) >= 24 * 60:
        offset = 0
    return f"{_clock(time_ms, offset)} {_zone(offset)}"


def day(time_ms: int, offset: int = 0) -> str:
    """Return the day of a recorded time: '2026-01-31'."""
    return _clock(time_ms, offset)[:10]


def iso_time(time_ms: int) -> str:
    """Return a recorded time for programs: '2026-01-31T13:05:09.123Z'."""
    return f"{_clock(time_ms, 0, 'T')}.{time_ms % 1000:03}Z"


def _clock(time_ms: int, offset: int, between: str = " ") -> str:
    days, seconds = divmod(time_ms // 1000 + offset * 60, 86400)
    return f"{_date(days)}{between}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@cache
def _date(days: int) -> str:
    """Return the date so many days after 1970 began; 1970-01-01 for what no calendar has."""
    try:
        return (date(1970, 1, 1) + timedelta(days)).isoformat()
    except OverflowError:
        return "1970-01-01"


@cache
def _zone(offset: int) -> str:
    """Return how a zone so many minutes east of UTC is written: '+0100'."""
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}{minutes:02}"


def ago(time_ms: int, now_ms: int) -> str:
    """Return how long ago something was: '3 hours ago'."""
    seconds = max(0, (now_ms - time_ms) // 1000)
    for length, name in _PERIODS:
        if seconds >= length:
            return count(seconds // length, name) + " ago"
    return "just now" if seconds < 5 else count(seconds, "second") + " ago"


def bar(part: float, cells: int, *, unicode: bool) -> str:
    """Return a bar of `cells` letters, filled to a share of one; anything above nothing fills at least one."""
    part = min(max(part, 0.0), 1.0)
    full = max(round(part * cells), 1 if part > 0 else 0)
    filled, empty = ("▇", "▁") if unicode else ("#", ".")
    return filled * full + empty * (cells - full)


def duration(milliseconds: float | None) -> str:
    """Return a stretch of time: '0.21 s', '42.0 s', '3 min 05 s', '2 h 07 min', '3 d 04 h', '-' where there is none."""
    if milliseconds is None:
        return "-"
    seconds = max(milliseconds, 0) / 1000
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, rest = divmod(round(seconds / 60), 60)
    if hours < 24:
        return f"{hours} h {rest:02} min"
    days, rest = divmod(round(seconds / 3600), 24)
    return f"{days} d {rest:02} h"
