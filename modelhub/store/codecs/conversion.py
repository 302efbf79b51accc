"""Read a base as if it were of another kind of number, or lay on its side: a cast or a transpose then costs nothing.

All results are fixed by the bits alone, whatever the processor does with denormals. Rules:
docs/reference/format/pack.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.float_values import rounded_to_bfloat16
from modelhub.store.codecs.number_bits import Words, as_bytes, words
from modelhub.store.item import FLOAT_KINDS


def converted(block: Bytes, old: str, new: str) -> Bytes:
    """Return the floats of a block as the nearest floats of another kind, ties to even. Memory: about twice the result.

    Between bfloat16 and float32 on the bits alone; elsewhere what is denormal in float32 counts as a zero of its sign.
    NaN becomes the quiet NaN of its sign (widening bfloat16 keeps it); float64 and float16 go through float32. Raises
    IntegrityError for kinds that are no floats.
    """
    if old not in FLOAT_KINDS or new not in FLOAT_KINDS:
        raise IntegrityError(f"items of kind '{old}' cannot be read as '{new}'")
    return as_bytes(_from_float32(_as_float32(block, old), new))


def transposed(content: Bytes, rows: int, width: int) -> Bytes:
    """Return the transpose of a matrix of `rows` rows, row-major items of `width` bytes each, as row-major bytes."""
    if rows < 1 or len(content) % (rows * width):
        raise IntegrityError(f"content of {len(content)} bytes is no matrix of {rows} rows")
    matrix = np.frombuffer(content, dtype=f"V{width}").reshape(rows, -1)
    return as_bytes(np.ascontiguousarray(matrix.T).view(np.uint8).reshape(-1))


def _as_float32(block: Bytes, kind: str) -> Words:
    """Return the bits of float32 values."""
    if kind == "float32":
        return words(block, 4)
    if kind == "bfloat16":
        return words(block, 2).astype(np.uint32) << np.uint32(16)
    bits = words(block, 2 if kind == "float16" else 8)
    with np.errstate(all="ignore"):
        values = bits.view(np.float16 if kind == "float16" else np.float64).astype(np.float32)
    return _settled(values, _sign_bits(bits))


def _from_float32(bits: Words, kind: str) -> NDArray[np.generic]:
    """Return the values of these float32 bits as another kind."""
    if kind == "bfloat16":
        nan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
        rounded = rounded_to_bfloat16(bits)
        rounded[nan] = ((bits[nan] >> np.uint32(16)) & np.uint32(0x8000) | np.uint32(0x7FC0)).astype(np.uint16)
        return rounded
    if kind == "float32":
        return bits
    settled = _settled(bits.view(np.float32), _sign_bits(bits))
    with np.errstate(all="ignore"):
        values = settled.view(np.float32)
        result = values.astype(np.float16 if kind == "float16" else np.float64)
    nan = np.isnan(values)
    if nan.any():
        out = result.view(np.uint16 if kind == "float16" else np.uint64)
        quiet, shift = (0x7E00, 15) if kind == "float16" else (0x7FF8 << 48, 63)
        out[nan] = (_sign_bits(settled)[nan].astype(out.dtype) << out.dtype.type(shift)) | out.dtype.type(quiet)
    return result


def _sign_bits(bits: Words) -> Words:
    return (bits >> bits.dtype.type(8 * bits.dtype.itemsize - 1)).astype(np.uint32)


def _settled(values: NDArray[np.float32], signs: Words) -> Words:
    """Return the bits with denormals as zeros and NaN as the quiet NaN, of these signs."""
    bits = np.ascontiguousarray(values).view(np.uint32).copy()
    magnitude = bits & np.uint32(0x7FFFFFFF)
    small, nan = magnitude < np.uint32(0x00800000), magnitude > np.uint32(0x7F800000)
    bits[small] = signs[small] << np.uint32(31)
    bits[nan] = (signs[nan] << np.uint32(31)) | np.uint32(0x7FC00000)
    return bits
