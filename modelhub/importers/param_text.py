"""Params that another tool keeps as text: numbers again where that loses nothing."""

from __future__ import annotations

import math

from modelhub.repository.objects import ParamValue

MOST_DIGITS = 18
TRUTHS = {"True": True, "False": False}


def param_value(text: str) -> ParamValue:
    """Return the number or truth value that Python writes as just this text, else the text."""
    if text in TRUTHS:
        return TRUTHS[text]
    try:
        number = float(text)
    except ValueError:
        return text
    if len(text) <= MOST_DIGITS and text.lstrip("-").isdecimal() and str(int(text)) == text:
        return int(text)
    return number if math.isfinite(number) and repr(number) == text else text
