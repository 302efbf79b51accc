"""Sums over slices of numbers: of float32 compiled where the extension could be built, else by numpy, to the same bits.

Numbers are added in float64 in the order of numpy's pairwise addition, never through BLAS, so equal slices give equal
sums whatever the processor and the number of threads. Measurements: docs/design/013-compiled-loops.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]


class Sums(NamedTuple):
    """Of finite numbers: their mean, the sum of their squared distances from it, their range, how many are 0."""

    mean: float
    spread: float
    minimum: float
    maximum: float
    zeros: int


def sum_up(numbers: Numbers) -> Sums:
    """Return the sums of at least one number, flat and contiguous; `mean` is not finite where float64 cannot hold it.

    Raises nothing; numpy's warnings are the caller's. Cost: about 2.5 ns a number.
    """
    wide = numbers.astype(np.float64)
    zeros = wide.size - int(np.count_nonzero(numbers))
    minimum, maximum = float(numbers.min()) + 0.0, float(numbers.max()) + 0.0
    mean = float(np.add.reduce(wide)) / wide.size
    if math.isfinite(mean):
        mean = min(max(mean, minimum), maximum)  # rounding must not move the mean of equal numbers off them
    wide -= mean
    np.multiply(wide, wide, out=wide)
    return Sums(mean, float(np.add.reduce(wide)), minimum, maximum, zeros)


def of_slices_plain(numbers: npt.NDArray[np.float32], length: int) -> list[Sums | None]:
    """Return the sums of each slice of `length` numbers (the last has what is left); None where they are not finite."""
    found = [sum_up(numbers[at : at + length]) for at in range(0, numbers.size, length)]
    return [one if math.isfinite(one.mean) else None for one in found]


if TYPE_CHECKING:
    of_slices = of_slices_plain
else:
    try:
        from modelhub.weights._sums import of_slices
    except ImportError:
        of_slices = of_slices_plain
