"""Between which numbers a value lies of which only the high-order bytes are known: exact and the tightest there are.

IEEE 754 numbers of one sign are in the order of their bits, and so are whole numbers in two's complement: the bytes not
known are all zeros at one end and all ones at the other. Source: section IV.D of Miao et al., *Towards Unified Data and
Lifecycle Management for Deep Learning*, ICDE 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import InvalidInputError
from modelhub.oid import Bytes
from modelhub.weights.arrays import Array
from modelhub.weights.region import Region
from modelhub.weights.summary import NATIVE, is_numeric

_INFINITY = {
    "float64": (8, 0x7FF << 52), "float32": (4, 0xFF << 23), "float16": (2, 0x1F << 10), "bfloat16": (2, 0xFF << 7),
    "complex128": (8, 0x7FF << 52), "complex64": (4, 0xFF << 23), "complex32": (2, 0x1F << 10),
}  # fmt: skip
"""Bytes of one float of a dtype (of a complex one, of its parts), and the bits of its infinity."""

Bits = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Arrays of one shape and dtype with `lower <= v <= upper` for every value v that is a number.

    Both are values the tensor could have, so nothing tighter can be said. Where both are finite v is finite. Where one
    is infinite v may be infinite or NaN too; where v is known to be NaN both are NaN. Complex: each part by itself.
    """

    lower: Array
    upper: Array

    @property
    def is_exact(self) -> bool:
        """Whether every byte was known: then both are the same array."""
        return self.lower is self.upper


def number_nbytes(dtype: str) -> int:
    """Return the bytes of one number whose high-order bytes bound it; 1 for a dtype that is only read whole."""
    if dtype in _INFINITY:
        return _INFINITY[dtype][0]
    return np.dtype(NATIVE[dtype]).itemsize if dtype in NATIVE else 1


def bounds(region: Region, data: Bytes, precision: int) -> Bounds:
    """Return the bounds of the array in a region's bytes, of whose numbers the `precision` high-order bytes count.

    What the bytes below are makes no difference. bfloat16 comes widened to float32, as `to_array` has it, and whole
    numbers and bool as they are. Exact where `precision` is all bytes, and of 8-bit, packed and quantised dtypes.
    Raises InvalidInputError for a precision below 1. Memory: about four times the data.
    """
    if precision < 1:
        raise InvalidInputError("at least one byte of each number is needed", hint="precision is 1, 2, 3, ...")
    width = number_nbytes(region.dtype)
    if precision >= width or not is_numeric(region.dtype):
        exact = region.array(data)
        return Bounds(exact, exact)
    bits = np.frombuffer(data, np.dtype(f"<u{width}"))
    unknown = bits.dtype.type((1 << 8 * (width - precision)) - 1)
    zeros, ones = bits & ~unknown, bits | unknown
    if region.dtype in _INFINITY:
        zeros, ones = _ends_of_floats(zeros, ones, bits.dtype.type(_INFINITY[region.dtype][1]))
    return Bounds(*(region.array(end.view(np.uint8).data.toreadonly()) for end in (zeros, ones)))


def _ends_of_floats(zeros: Bits, ones: Bits, infinity: np.unsignedinteger[Any]) -> tuple[Bits, Bits]:
    """Return the bits of the lower and the upper end, from the least and the greatest magnitude."""
    kind = zeros.dtype.type
    sign = kind(1 << 8 * zeros.dtype.itemsize - 1)
    is_nan = (zeros & ~sign) > infinity
    far = np.where((ones & ~sign) > infinity, (ones & sign) | infinity, ones)
    far = np.where(is_nan, zeros, far)
    negative = (zeros & sign) != 0
    return np.where(negative, far, zeros), np.where(negative, zeros, far)
