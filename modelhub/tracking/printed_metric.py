"""The result of an evaluation, from what it printed: the last line that is a JSON object."""

from __future__ import annotations

import json

from modelhub.errors import StateError

HINT = 'the last line it prints should be as {"accuracy": 0.98}'


def last_metric(printed: str, name: str = "") -> tuple[str, float]:
    """Return name and value of a metric in the last line that is a JSON object; without `name` the first number in it.

    Raises StateError, with what is there, where there is none.
    """
    found = next((values for line in reversed(printed.splitlines()) if (values := _numbers(line)) is not None), None)
    if found is None:
        raise StateError("the command printed no line of JSON", hint=HINT)
    if not found:
        raise StateError("the last line of JSON that the command printed has no number", hint=HINT)
    chosen = name or next(iter(found))
    if chosen not in found:
        raise StateError(f"the command printed no '{chosen}'", hint=f"it printed: {', '.join(list(found)[:5])}")
    return chosen, found[chosen]


def _numbers(line: str) -> dict[str, float] | None:
    """Return the numbers of a JSON object by name; None for a line that is no object."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            return None
        return {
            name: float(value)
            for name, value in record.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
    except (ValueError, OverflowError, RecursionError):
        return None
