"""Points of one run, gathered series by series in 24 bytes each, and put in the order of their steps."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelhub.runs.points import Columns

LARGEST = (1 << 63) - 1


class GatheredPoints:
    """The series of a run as a source tells them."""

    def __init__(self) -> None:
        self._series: dict[str, tuple[array[int], array[int], array[float]]] = {}

    def series(self, name: str) -> tuple[array[int], array[int], array[float]]:
        """Return the steps, times (unix ms) and values of a series, to append to."""
        if name not in self._series:
            self._series[name] = (array("q"), array("q"), array("d"))
        return self._series[name]

    def add(self, name: str, step: int, time: int, value: float) -> None:
        """Append a point. A step or a time that no 64 bits hold raises OverflowError."""
        steps, times, values = self.series(name)
        if abs(step) > LARGEST or abs(time) > LARGEST:
            raise OverflowError
        steps.append(step)
        times.append(time)
        values.append(value)

    def drop_from(self, step: int) -> int:
        """Forget the points at this step and after it; return how many went."""
        before = len(self)
        for name, (steps, times, values) in self._series.items():
            kept = [at for at, one in enumerate(steps) if one < step]
            if len(kept) < len(steps):
                self._series[name] = (
                    array("q", (steps[at] for at in kept)),
                    array("q", (times[at] for at in kept)),
                    array("d", (values[at] for at in kept)),
                )
        return before - len(self)

    def __len__(self) -> int:
        return sum(len(values) for _, _, values in self._series.values())

    def columns(self) -> Mapping[str, Columns]:
        """Return every series that has points by name, ordered by step, then time, then as they came."""
        return {name: _sorted(*self._series[name]) for name in sorted(self._series) if self._series[name][2]}


def _sorted(steps: Any, times: Any, values: Any) -> Columns:
    import numpy as np

    columns = (np.frombuffer(steps, np.int64), np.frombuffer(times, np.int64), np.frombuffer(values, np.float64))
    order = np.lexsort((columns[1], columns[0]))
    return columns[0][order], columns[1][order], columns[2][order]
