"""Series in one line of small bars, for tables: `▁▂▄█▆`."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH = 12
BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-=+*%#"


def sparkline(values: Sequence[float], width: int = WIDTH, *, unicode: bool = True) -> str:
    """Return at most `width` bars from the lowest value to the highest; a blank is a gap (NaN or an infinity).

    Of more values each bar shows the one of its stretch that is farthest from the middle, so that spikes stay.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    low, high = min(finite), max(finite)
    bars = BARS if unicode else ASCII_BARS
    return "".join(_bar(value, low, high, bars) for value in _stretches(values, width, low / 2 + high / 2))


def _stretches(values: Sequence[float], width: int, middle: float) -> list[float]:
    if len(values) <= width:
        return list(values)
    found = []
    for place in range(width):
        part = values[place * len(values) // width : (place + 1) * len(values) // width]
        there = [value for value in part if math.isfinite(value)]
        found.append(max(there, key=lambda value: abs(value - middle)) if there else math.nan)
    return found


def _bar(value: float, low: float, high: float, bars: str) -> str:
    if not math.isfinite(value):
        return " "
    if high == low:
        return bars[len(bars) // 2 - 1]
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return bars[min(int(share * len(bars)), len(bars) - 1)]
