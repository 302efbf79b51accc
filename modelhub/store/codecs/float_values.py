"""Floats of 16 and 32 bits as float32 values and back, for predictions that come out the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelhub.store.codecs.number_bits import Words
from modelhub.store.codecs.scratch import scratch

Values = NDArray[np.float32]

KINDS = ("float32", "bfloat16", "float16")

LEAST = np.float32(2.0**-90)
"""Below this nothing is predicted: processors may be told to take denormals for zeros."""

_LARGEST = {"float32": np.float32(2.0**127), "bfloat16": np.float32(2.0**127), "float16": np.float32(65504.0)}


def values_of(bits: Words, kind: str) -> Values:
    """Return the exact values of these bit patterns (kind: one of KINDS); of float32 a view."""
    if kind == "float32":
        return bits.view(np.float32)
    if kind == "bfloat16":
        return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return bits.view(np.float16).astype(np.float32)


def nearest_bits(values: Values, known: Words, kind: str) -> Words:
    """Return the bits of the floats nearest to these values, ties to even; those of `known` where that is not certain.

    Certain are finite values between 2^-90 and 2^127 (65504 for float16) in size.
    """
    sizes = np.abs(values, out=scratch("sizes", values.size, np.float32))
    if kind == "float32":
        found = values.view(np.uint32)
    elif kind == "bfloat16":
        found = rounded_to_bfloat16(values.view(np.uint32))
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            found = values.astype(np.float16).view(np.uint16)
    if values.size and sizes.min() >= LEAST and sizes.max() < _LARGEST[kind]:
        return found
    return np.where((sizes >= LEAST) & (sizes < _LARGEST[kind]), found, known)


def rounded_to_bfloat16(bits: Words) -> Words:
    """Return float32 bits as bfloat16 bits, to nearest, ties to even; what is NaN may come out as anything."""
    carried = (bits >> np.uint32(16)) & np.uint32(1)
    carried += np.uint32(0x7FFF)
    carried += bits
    return (carried >> np.uint32(16)).astype(np.uint16)
