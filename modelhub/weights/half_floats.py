"""float16 and bfloat16: the sixteen bits nearest to a number, of two equally near ones the even.

float16 is binary16 of IEEE 754: numpy rounds to it from float32 and float64 in one step. bfloat16 is the upper half of
a float32; a float64 goes there through a float32 rounded to odd, so that nothing is rounded twice (Boldo and
Melquiond, "When double rounding is odd", 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

HALF_FLOATS = ("float16", "bfloat16")


def to_float16(values: Array) -> npt.NDArray[np.float16]:
    """Round float32 or float64 to float16. Finite values of 65520 and more become infinite; NaN stays NaN."""
    with np.errstate(all="ignore"):
        return values.astype("<f2")


def to_bfloat16(values: Array) -> npt.NDArray[np.uint16]:
    """Round float32 or float64 to bfloat16, given as its bits. NaN stays NaN, infinities stay, -0.0 too.

    Finite values above (2 - 2**-8) * 2**127, half a step over the largest bfloat16, become infinite.
    """
    single = _round_to_odd(values) if values.dtype == np.float64 else values
    bits = single.view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> 16) & 1))) >> 16
    quiet = (bits >> 16) | 0x40
    return np.where(np.isnan(single), quiet, rounded).astype("<u2")


def _round_to_odd(values: Array) -> npt.NDArray[np.float32]:
    """Cut float64 to float32 towards zero; where that loses something, set the last bit."""
    with np.errstate(all="ignore"):
        near = values.astype(np.float32)
        back = near.astype(np.float64)
    bits = near.view(np.uint32)
    inexact = ~np.isnan(values) & (back != values)
    bits = bits - (inexact & (np.abs(back) > np.abs(values)))
    return np.asarray(bits | inexact, dtype=np.uint32).view(np.float32)


def from_bfloat16(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Widen the bits of bfloat16, exactly."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


@dataclass(frozen=True, slots=True)
class HalfFloat:
    """Writes numbers in sixteen bits each, as one of the two half floats."""

    dtype: Literal["float16", "bfloat16"]

    def encode(self, values: Array) -> Array:
        """Return float16, or the bits of bfloat16 as uint16."""
        return to_float16(values) if self.dtype == "float16" else to_bfloat16(values)

    def decode(self, codes: Array) -> Array:
        """Return the numbers that were written, as float32."""
        return from_bfloat16(codes) if self.dtype == "bfloat16" else codes.astype(np.float32)
