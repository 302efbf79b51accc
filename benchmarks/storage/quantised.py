"""Quantise float32 weights to int8 and to GGML's blocks, in numpy: what files of quantised models hold.

Written after the descriptions of the types; scales are searched as GGML does, with a few candidates, so that they jump
between versions as they do in real files. Rows of a length that 256 does not divide are cut regardless of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SUPER = 256
CANDIDATES = 20


def int8_by_row(weights: Floats) -> bytes:
    """Return int8 with one scale a row, symmetric: the largest is 127."""
    return _rounded(weights / _safe(np.abs(weights).max(axis=1, keepdims=True) / 127)).astype(np.int8).tobytes()


def int8_by_tensor(weights: Floats) -> bytes:
    """Return int8 with one scale, symmetric."""
    return _rounded(weights / (np.abs(weights).max() / 127)).astype(np.int8).tobytes()


def q8_0(weights: Floats) -> bytes:
    """Return blocks of 34 bytes: a float16 scale, 32 int8."""
    values = weights.reshape(-1, 32)
    scales = np.abs(values).max(axis=1, keepdims=True) / 127
    quants = _rounded(values / _safe(scales)).astype(np.int8)
    return _joined(scales.astype("<f2"), quants)


def q4_0(weights: Floats) -> bytes:
    """Return blocks of 18 bytes: a float16 scale, 32 nibbles, the second half in the high ones."""
    values = weights.reshape(-1, 32)
    extreme = np.take_along_axis(values, np.abs(values).argmax(axis=1)[:, None], axis=1)
    scales = extreme / -8
    quants = np.clip(np.trunc(values / _safe(scales) + 8.5), 0, 15).astype(np.uint8)
    return _joined(scales.astype("<f2"), quants[:, :16] | quants[:, 16:] << 4)


def q6_k(weights: Floats) -> bytes:
    """Return blocks of 210 bytes: 128 of low nibbles, 64 of pairs of high bits, 16 int8 scales, a float16 scale."""
    values = weights.reshape(-1, 16)
    scales = _searched_scale(values, 32).reshape(-1, 16)
    largest = np.take_along_axis(scales, np.abs(scales).argmax(axis=1)[:, None], axis=1)
    whole = (largest / -128).astype("<f2")
    small = np.clip(_rounded(scales / _safe(whole.astype(np.float32))), -128, 127)
    each = (whole.astype(np.float32) * small).reshape(-1, 1)
    quants = (np.clip(_rounded(values / _safe(each)), -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.stack([quants[:, :, 0] & 15 | quants[:, :, 2] << 4, quants[:, :, 1] & 15 | quants[:, :, 3] << 4], axis=2)
    high = quants[:, :, 0] >> 4 | quants[:, :, 1] >> 4 << 2 | quants[:, :, 2] >> 4 << 4 | quants[:, :, 3] >> 4 << 6
    count = len(low)
    return _joined(low.reshape(count, -1), high.reshape(count, -1), small.astype(np.int8), whole)


def q4_k(weights: Floats) -> bytes:
    """Return blocks of 144 bytes: two float16, 12 of scales and minima in six bits each, 128 of nibbles."""
    values = weights.reshape(-1, 32)
    scales, minima = (found.reshape(-1, 8) for found in _searched_scale_and_minimum(values))
    whole, lowest = (found.max(axis=1, keepdims=True).astype(np.float32) / 63 for found in (scales, minima))
    small, least = (
        np.clip(_rounded(found / _safe(unit)), 0, 63).astype(np.uint8)
        for found, unit in ((scales, whole), (minima, lowest))
    )
    whole, lowest = whole.astype("<f2"), lowest.astype("<f2")
    unit = (whole.astype(np.float32) * small).reshape(-1, 1)
    below = (lowest.astype(np.float32) * least).reshape(-1, 1)
    quants = np.clip(_rounded((values + below) / _safe(unit)), 0, 15).astype(np.uint8).reshape(-1, 4, 2, 32)
    nibbles = (quants[:, :, 0] | quants[:, :, 1] << 4).reshape(len(small), -1)
    high = small[:, 4:] & 15 | (least[:, 4:] & 15) << 4
    return _joined(
        whole, lowest, small[:, :4] | small[:, 4:] >> 4 << 6, least[:, :4] | least[:, 4:] >> 4 << 6, high, nibbles
    )


def _searched_scale(values: Floats, most: int) -> Floats:
    """Return a scale a row, so that the squared error, weighted by the square, is least of some candidates."""
    extreme = np.take_along_axis(values, np.abs(values).argmax(axis=1)[:, None], axis=1)
    weight = values * values
    best = np.full((len(values), 1), -1.0, np.float32)
    found = np.zeros((len(values), 1), np.float32)
    for at in range(-9, 10):
        inverse = -(most + 0.1 * at) / _safe(extreme)
        quants = np.clip(_rounded(values * inverse), -most, most - 1)
        top, bottom = ((weight * quants * other).sum(axis=1, keepdims=True) for other in (values, quants))
        gain = top * top / _safe(bottom)
        is_better = gain > best
        best, found = np.where(is_better, gain, best), np.where(is_better, top / _safe(bottom), found)
    return found


def _searched_scale_and_minimum(values: Floats) -> tuple[Floats, Floats]:
    """Return scale and negated minimum a row of 32, fitted by least squares to the best of some candidates."""
    weight = np.sqrt((values * values).mean(axis=1, keepdims=True)) + np.abs(values)
    low, high = np.minimum(values.min(axis=1, keepdims=True), 0), values.max(axis=1, keepdims=True)
    sums = [(weight * part).sum(axis=1, keepdims=True) for part in (np.ones_like(values), values)]
    best = np.full(low.shape, np.inf, np.float32)
    scale, minimum = (high - low) / 15, low
    for at in range(CANDIDATES + 1):
        inverse = (14 + 0.1 * at) / _safe(high - low)
        quants = np.clip(_rounded(inverse * (values - low)), 0, 15)
        first, second, mixed = (
            (weight * part).sum(axis=1, keepdims=True) for part in (quants, quants * quants, quants * values)
        )
        size = _safe(sums[0] * second - first * first)
        fitted = (sums[0] * mixed - sums[1] * first) / size
        below = np.minimum((second * sums[1] - first * mixed) / size, 0)
        error = (weight * (fitted * quants + below - values) ** 2).sum(axis=1, keepdims=True)
        is_better = (error < best) & (fitted > 0)
        best = np.where(is_better, error, best)
        scale, minimum = np.where(is_better, fitted, scale), np.where(is_better, below, minimum)
    return scale, -minimum


def _rounded(values: Floats) -> Floats:
    return np.rint(values)


def _safe(divisor: Floats) -> Floats:
    return np.where(divisor == 0, np.float32(1), divisor)


def _joined(*parts: NDArray[Any]) -> bytes:
    return np.concatenate(
        [np.ascontiguousarray(part).view(np.uint8).reshape(len(part), -1) for part in parts], 1
    ).tobytes()


QUANTISED: dict[str, tuple[int, Callable[[Floats], bytes]]] = {
    "q8_0": (34, q8_0),
    "q4_0": (18, q4_0),
    "q6_k": (210, q6_k),
    "q4_k": (144, q4_k),
}
"""Bytes of a block, and what makes it."""
