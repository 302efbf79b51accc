"""Fixed point: every number of a tensor is a whole number of steps, and the step is a power of two.

A tensor has one exponent, as in the ModelHub paper (section 3.2): x is written as round(x / 2**exponent), of two
equally near whole numbers the even one, in two's complement of 8 or 16 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FIXED_BITS = (8, 16)
LEAST_EXPONENT = {"float32": -149, "float64": -1074}
"""The exponent of the smallest number above zero: a smaller step would gain nothing."""


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Writes numbers as whole multiples of 2**exponent in `bits` bits, sign included."""

    bits: int
    exponent: int

    def encode(self, values: Array) -> Array:
        """Return int8 or int16. `values` are finite float32 or float64, none larger than the tensor's largest."""
        steps = np.rint(np.ldexp(values.astype(np.float64), -self.exponent))
        return steps.astype(f"<i{self.bits // 8}")

    def decode(self, codes: Array) -> npt.NDArray[np.float64]:
        """Return the numbers that were written, as float64, which holds each exactly."""
        return np.ldexp(codes.astype(np.float64), self.exponent)

    @property
    def step(self) -> float:
        """The distance of two neighbouring numbers: what codes are multiplied with."""
        return math.ldexp(1.0, self.exponent)


def fit_fixed_point(largest: float, bits: int, dtype: str = "float32") -> FixedPoint:
    """Return the finest fixed point that holds numbers up to `largest`, the largest absolute value of a tensor.

    No number is then further from its multiple than half a step. The step is never below the smallest number of
    `dtype`, float32 or float64, so that multiples of numbers of this dtype are exact in it.
    """
    if largest == 0.0:
        return FixedPoint(bits, 0)
    most = (1 << (bits - 1)) - 1
    exponent = max(math.frexp(largest)[1] - (bits - 1), LEAST_EXPONENT[dtype])
    if round(math.ldexp(largest, -exponent)) > most:
        exponent += 1
    return FixedPoint(bits, exponent)
