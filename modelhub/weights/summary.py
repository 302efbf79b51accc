"""What is said of one tensor in a few numbers, and which dtypes are numbers at all. Free of numpy: quick to import."""

from __future__ import annotations

from msgspec import Struct

NATIVE = {
    **{f"float{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    **{f"int{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    "complex64": "<c8",
    "complex128": "<c16",
    "bool": "|u1",
}
"""The dtypes numpy has, with numpy's codes."""

WIDENED = {"bfloat16": 2, "complex32": 4}
"""Dtypes numpy lacks, with the bytes of one value; they are widened for arithmetic."""

# name -> (exponent bits, mantissa bits, bias, how infinity and NaN are written)
SMALL_FLOATS = {
    "float8_e4m3fn": (4, 3, 7, "fn"),
    "float8_e5m2": (5, 2, 15, "ieee"),
    "float8_e4m3fnuz": (4, 3, 8, "fnuz"),
    "float8_e5m2fnuz": (5, 2, 16, "fnuz"),
}
E8M0 = "float8_e8m0fnu"
FLOAT4 = ("float4_e2m1fn_x2", "float4_e2m1fn")


class TensorStatistics(Struct, frozen=True):
    """What one tensor's numbers look like.

    `count` is how many numbers there are; a complex value counts as two (its parts), a quantised or unknown dtype has
    none, and its other fields are None. `mean`, `std` (population: divided by the count), `minimum`, `maximum` and
    `norm` (Euclidean) are over the finite numbers, and None where there are none or the sums leave float64.
    Whole numbers above 2**53 are rounded to the nearest float64.
    """

    count: int
    mean: float | None
    std: float | None
    minimum: float | None
    maximum: float | None
    norm: float | None
    zeros: int | None
    nans: int | None
    infs: int | None


def is_numeric(dtype: str) -> bool:
    """Tell whether the bytes of this dtype can be read as numbers here; quantised and unknown dtypes cannot."""
    return dtype in NATIVE or dtype in WIDENED or dtype in SMALL_FLOATS or dtype == E8M0 or dtype in FLOAT4


def is_floating(dtype: str) -> bool:
    """Tell whether this dtype can hold fractions, and so NaN or infinity."""
    return is_numeric(dtype) and dtype.startswith(("float", "bfloat", "complex"))
