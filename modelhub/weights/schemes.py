"""The schemes of lossy copies: which there are, which tensors each of them changes, and how one tensor is written.

After section 3.2 of the ModelHub paper (Miao, Li, Davis, Deshpande, ICDE 2017). Free of numpy until a tensor is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from modelhub.errors import InvalidInputError
from modelhub.formats.dtypes import ORDINARY, element_count

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array

SCHEMES = "float16, bfloat16, fixed16, fixed8, quantized-1 to quantized-8"
WIDE_FLOATS = ("float64", "float32", "float16", "bfloat16")
SLICE_ELEMENTS = 1 << 20
"""So many numbers are written at once. A multiple of 8, so that packed codes of slices join without a gap."""

_FIXED = re.compile(r"fixed(8|16)")
_QUANTIZED = re.compile(r"quantized-([1-8])")


class Coder(Protocol):
    """Writes the numbers of one tensor as codes, one for each."""

    def encode(self, values: Array) -> Array:
        """Return the codes of some numbers."""

    def decode(self, codes: Array) -> Array:
        """Return the numbers that codes stand for, float32 or float64."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to write a model smaller. `bits` are those of one number; `kind` "half" is float16 or bfloat16."""

    name: str
    kind: Literal["half", "fixed", "quantized"]
    bits: int

    @property
    def relation(self) -> Literal["convert", "quantize"]:
        """How a copy came from its model, as the lineage says it."""
        return "convert" if self.kind == "half" else "quantize"

    def changes(self, dtype: str, shape: Sequence[int]) -> bool:
        """Tell whether a tensor is written otherwise than it is.

        Half floats: every float64, float32, float16 and bfloat16 tensor of another dtype. Fixed point and
        quantisation: of those the ones with two axes or more that are longer than 1, where codes and table together
        are smaller. What a model has in vectors (biases, norms) is little, and sensitive.
        """
        if dtype not in WIDE_FLOATS or 0 in shape:
            return False
        if self.kind == "half":
            return dtype != self.name
        count = element_count(tuple(shape))
        is_matrix = sum(size > 1 for size in shape) > 1
        return is_matrix and self._nbytes(count, dtype) < count * ORDINARY[dtype]

    def _nbytes(self, count: int, dtype: str) -> int:
        extra = (1 << self.bits if self.kind == "quantized" else 1) * (8 if dtype == "float64" else 4)
        return packed_nbytes(count, self.bits) + extra


def packed_nbytes(count: int, bits: int) -> int:
    """Return how many bytes `count` codes of `bits` bits take, without gaps."""
    return -(-count * bits // 8)


def parse_scheme(text: str) -> Scheme:
    """Return the scheme of this name. Raises InvalidInputError, with those there are."""
    if text in ("float16", "bfloat16"):
        return Scheme(text, "half", 16)
    if found := _FIXED.fullmatch(text):
        return Scheme(text, "fixed", int(found[1]))
    if found := _QUANTIZED.fullmatch(text):
        return Scheme(text, "quantized", int(found[1]))
    raise InvalidInputError(f"'{text}' is no way to write a copy", hint=f"one of: {SCHEMES}")


def fit(scheme: Scheme, name: str, values: Array) -> Coder:
    """Return what writes this tensor: `values` are its numbers, float32 or float64, not empty.

    Raises InvalidInputError, with the tensor's name, for NaN and infinities in a scheme that has none.
    """
    import numpy as np

    from modelhub.weights.fixed_point import fit_fixed_point
    from modelhub.weights.half_floats import HalfFloat
    from modelhub.weights.quantized import fit_quantized

    if scheme.kind == "half":
        return HalfFloat("float16" if scheme.name == "float16" else "bfloat16")
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise InvalidInputError(
            f"tensor '{name}' has {bad} values that are NaN or infinite, and {scheme.name} has neither",
            hint="float16 and bfloat16 keep them",
        )
    if scheme.kind == "quantized":
        return fit_quantized(values, scheme.bits)
    largest = max(abs(float(values.min())), abs(float(values.max())))
    return fit_fixed_point(largest, scheme.bits, str(values.dtype))


def slices_of(values: Array) -> Iterator[Array]:
    """Yield a tensor's numbers flat, in pieces of SLICE_ELEMENTS."""
    flat = values.reshape(-1)
    for start in range(0, flat.size, SLICE_ELEMENTS):
        yield flat[start : start + SLICE_ELEMENTS]


def to_bytes(values: Array, dtype: str) -> bytes:
    """Return float32 or float64 numbers as the bytes of one of WIDE_FLOATS, rounded where it is narrower."""
    from modelhub.weights.half_floats import to_bfloat16, to_float16

    if dtype == "float16":
        return to_float16(values).tobytes()
    if dtype == "bfloat16":
        return to_bfloat16(values).tobytes()
    import numpy as np

    with np.errstate(over="ignore"):
        return values.astype("<f8" if dtype == "float64" else "<f4").tobytes()
