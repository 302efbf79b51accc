"""Turn a tensor's bytes into numbers: numpy arrays for people, flat numbers for arithmetic.

Bytes are little-endian and in C order unless strides say otherwise. numpy has no bfloat16, float8 or float4: those are
widened to float32 (complex32 to complex64), which holds each of their values exactly. Number formats: OCP 8-bit
Floating Point (e4m3fn, e5m2), OCP Microscaling (e8m0fnu, e2m1fn), and the "fnuz" variants as torch and ONNX have them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelhub.errors import InvalidInputError
from modelhub.oid import Bytes
from modelhub.weights.summary import E8M0, FLOAT4, NATIVE, SMALL_FLOATS, WIDENED, is_numeric

Array = npt.NDArray[Any]

_COMPONENTS = {"complex64": "<f4", "complex128": "<f8"}
_FLOAT4_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def item_nbytes(dtype: str) -> int:
    """Return the bytes that one number takes (two numbers of float4 share one byte: 1); 1 for a dtype not numeric."""
    if dtype in WIDENED:
        return WIDENED[dtype]
    return np.dtype(NATIVE[dtype]).itemsize if dtype in NATIVE else 1


def to_array(
    data: Bytes, dtype: str, shape: Sequence[int], *, strides: Sequence[int] | None = None, start: int = 0
) -> Array:
    """Return the tensor as an array; a view of `data` where numpy has the dtype, else a float32 copy.

    `strides` and `start` count elements: a view of `shape` beginning at element `start`. bool comes as numpy bool.
    float4 values come unpacked (low half first): the `shape` of an "_x2" dtype may count bytes; its last axis doubles.
    A quantised or unknown dtype comes as its raw bytes, uint8, one axis.
    Raises InvalidInputError where the shape does not fit the bytes.
    """
    if not is_numeric(dtype):
        return np.frombuffer(data, dtype=np.uint8)
    flat = _flat(data, dtype)
    if dtype == "bool":
        flat = flat != 0
    shape = tuple(shape)
    if dtype == FLOAT4[0] and shape and math.prod(shape) * 2 == flat.size:
        shape = (*shape[:-1], shape[-1] * 2)
    if strides is not None:
        return _strided(flat, shape, tuple(strides), start)
    count = math.prod(shape)
    if count > flat.size - start or (start == 0 and count != flat.size):
        raise InvalidInputError(f"a tensor of shape {list(shape)} does not fit {len(data)} bytes of {dtype}")
    return flat[start : start + count].reshape(shape)


def to_numbers(data: Bytes, dtype: str) -> Array | None:
    """Return all numbers flat, for arithmetic: float16 and smaller as float32, complex as its real and imaginary parts.

    Ints, float32 and float64 are views of `data`; bool is 0 and 1. None for a quantised or unknown dtype.
    """
    if not is_numeric(dtype):
        return None
    flat = _flat(data, dtype)
    if dtype.startswith("complex"):
        return flat.view(_COMPONENTS.get(dtype, "<f4"))
    if dtype == "float16":
        return _widen_float16(flat)
    return (flat != 0).view(np.uint8) if dtype == "bool" else flat


def to_float64(data: Bytes, dtype: str) -> npt.NDArray[np.float64] | None:
    """Return all numbers flat as float64 (whole numbers above 2**53 are rounded); None where `to_numbers` is None."""
    numbers = to_numbers(data, dtype)
    with np.errstate(invalid="ignore"):
        return None if numbers is None else numbers.astype(np.float64)


def _flat(data: Bytes, dtype: str) -> Array:
    if len(data) % item_nbytes(dtype):
        raise InvalidInputError(f"{len(data)} bytes are not a whole number of {dtype} values")
    if dtype == "complex32":
        return _widen_float16(np.frombuffer(data, dtype="<f2")).view(np.complex64)
    if dtype == "bfloat16":
        wide = np.frombuffer(data, dtype="<u2").astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    if dtype in NATIVE:
        return np.frombuffer(data, dtype=NATIVE[dtype])
    return _byte_values(dtype).take(np.frombuffer(data, dtype=np.uint8), axis=0, mode="clip").reshape(-1)


def _widen_float16(numbers: Array) -> Array:
    with np.errstate(invalid="ignore"):  # signalling NaN
        return numbers.astype(np.float32)


def _strided(flat: Array, shape: tuple[int, ...], strides: tuple[int, ...], start: int) -> Array:
    last = start + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    if math.prod(shape) == 0:
        return np.empty(shape, dtype=flat.dtype)
    if min(shape, default=0) < 0 or min(strides, default=0) < 0 or start < 0 or last >= flat.size:
        raise InvalidInputError(f"a tensor of shape {list(shape)}, strides {list(strides)} leaves its bytes")
    steps = tuple(step * flat.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(flat[start:], shape=shape, strides=steps, writeable=False)


@functools.cache
def _byte_values(dtype: str) -> npt.NDArray[np.float32]:
    if dtype == E8M0:
        values: list[Any] = [math.ldexp(1.0, byte - 127) for byte in range(255)] + [math.nan]
    elif dtype in FLOAT4:
        halves = [*_FLOAT4_VALUES, *(-value for value in _FLOAT4_VALUES)]
        values = [(halves[byte & 15], halves[byte >> 4]) for byte in range(256)]
    else:
        values = [_small_float(byte, *SMALL_FLOATS[dtype]) for byte in range(256)]
    return np.array(values, dtype=np.float32)


def _small_float(byte: int, exponent_bits: int, mantissa_bits: int, bias: int, special: str) -> float:
    sign = -1.0 if byte & 0x80 else 1.0
    top = (1 << exponent_bits) - 1
    exponent = (byte >> mantissa_bits) & top
    mantissa = byte & ((1 << mantissa_bits) - 1)
    if special == "fnuz" and byte == 0x80:
        return math.nan
    if special == "fn" and byte & 0x7F == 0x7F:
        return math.nan
    if special == "ieee" and exponent == top:
        return math.nan if mantissa else sign * math.inf
    if exponent == 0:
        return sign * math.ldexp(mantissa, 1 - bias - mantissa_bits)
    return sign * math.ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits)
