"""What a lossy copy of a tensor lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Loss:
    """How far written numbers are from those they stand for. Losses of parts add up.

    `overflowed` were finite and became infinite, `zeroed` were not 0 and became 0. `largest` is the largest absolute
    difference of a pair of finite numbers.
    """

    squares: float = 0.0
    moved: float = 0.0
    largest: float = 0.0
    overflowed: int = 0
    zeroed: int = 0

    @property
    def relative(self) -> float | None:
        """Norm of the difference / norm before, over the pairs that are finite; None where sums leave float64."""
        if not (math.isfinite(self.moved) and math.isfinite(self.squares)):
            return None
        return math.sqrt(self.moved / self.squares) if self.squares else 0.0

    def __add__(self, other: Loss) -> Loss:
        return Loss(
            self.squares + other.squares,
            self.moved + other.moved,
            max(self.largest, other.largest),
            self.overflowed + other.overflowed,
            self.zeroed + other.zeroed,
        )


def measure(before: Array, after: Array) -> Loss:
    """Compare numbers with what was written for them, both flat."""
    before, after = before.astype(np.float64), after.astype(np.float64)
    finite = np.isfinite(before)
    both = finite & np.isfinite(after)
    with np.errstate(all="ignore"):
        there = np.where(both, before, 0.0)
        moved = np.where(both, after, 0.0) - there
        squares, distance = float(np.square(there).sum()), float(np.square(moved).sum())
    return Loss(
        squares=squares,
        moved=distance,
        largest=float(np.abs(moved).max(initial=0.0)),
        overflowed=int(np.count_nonzero(finite & ~np.isfinite(after))),
        zeroed=int(np.count_nonzero((before != 0) & (after == 0))),
    )
