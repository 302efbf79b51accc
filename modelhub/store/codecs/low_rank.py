"""A change of a matrix as the product of two thin integer matrices: what training moves lies mostly in few directions.

The product is exact, so that it comes out the same on every machine: all sums are whole numbers that the type holds.
The randomized range finder is that of Halko, Martinsson and Tropp (2011), algorithm 4.4.
"""

from __future__ import annotations

import math
import os
import struct
import sys
from collections.abc import Callable
from itertools import product

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs.number_bits import unzigzag, zigzag
from modelhub.store.codecs.packed_integers import SMALL_LEVEL, pack, unpack_into
from modelhub.store.codecs.scratch import scratch

Matrix = NDArray[np.float32]

MOST_RANK = 64
LEAST_SIDE = 48
"""Matrices with fewer rows or columns are not tried."""

COEFFICIENT_BITS = 3.3
"""About what one coefficient costs; a direction is kept while it saves more than its coefficients take."""

ROUNDING = 0.33
"""Coefficients are rounded so that their error is about this share of what is left of the matrix."""

MOST_PRODUCTS = 1 << 18
"""Larger products of matrices are shared among threads by OpenBLAS, which for these costs many times what it saves."""

TILE_ROWS = 64

LEAST_SCALE = 2.0**-100
_EXACT_FLOAT32 = 2.0**24
_EXACT_FLOAT64 = 2.0**53
_HEADER = struct.Struct("<BxxxfIIII")


class Factors(Struct, frozen=True):
    """left [rows, rank] @ right [rank, columns] x scale; both whole numbers of less than 2^24 in float32."""

    left: Matrix
    right: Matrix
    scale: float

    @property
    def largest_sum(self) -> float:
        """What no sum of the product can exceed."""
        left, right = (float(np.abs(side).max(initial=0)) for side in (self.left, self.right))
        return math.inf if max(left, right) >= _EXACT_FLOAT32 else left * right * self.left.shape[1]

    def rows_product(self) -> Callable[[slice], Matrix]:
        """Return what gives some rows of the product at a time, the thread's own until the next call.

        Every sum is exact, in float64 where float32 cannot hold it, then scaled and rounded.
        """
        scale = np.float32(self.scale)
        is_small = self.largest_sum < _EXACT_FLOAT32
        left, right = (side if is_small else side.astype(np.float64) for side in (self.left, self.right))

        tall, wide = _tile(*right.shape)

        def rows(which: slice) -> Matrix:
            some = left[which]
            shape = some.shape[0], right.shape[1]
            sums = scratch("sums", shape[0] * shape[1], right.dtype).reshape(shape)
            for top, start in product(range(0, shape[0], tall), range(0, shape[1], wide)):
                down, across = slice(top, top + tall), slice(start, start + wide)
                np.matmul(some[down], right[:, across], out=sums[down, across])
            if is_small:
                sums *= scale
                return sums
            return (sums * self.scale).astype(np.float32)

        return rows


def _tile(rank: int, columns: int) -> tuple[int, int]:
    """Return how many rows and columns of a product to make at once: where OpenBLAS has one thread, as in `mh`, all."""
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return sys.maxsize, columns
    return TILE_ROWS, max(1, MOST_PRODUCTS // (TILE_ROWS * rank))


def find_factors(change: Matrix) -> Factors | None:
    """Return factors that about save more than they cost, or None. Cost: some products with a matrix of rank 64."""
    rows, columns = change.shape
    rank = min(MOST_RANK, rows // 6, columns // 6)
    if min(rows, columns) < LEAST_SIDE or not np.isfinite(change).all():
        return None
    total = float(np.square(change, dtype=np.float64).sum())
    if total == 0.0:
        return None
    left, strengths, right = _leading(change, rank)
    rank = _worthwhile(np.square(strengths.astype(np.float64)), total, rows, columns)
    return _rounded(left[:, :rank], strengths[:rank], right[:rank], total) if rank else None


def pack_factors(factors: Factors) -> bytes:
    """Return the factors as bytes: rank, scale, sides, and both packed, one direction after the other."""
    left, right = _packed(factors.left.T), _packed(factors.right)
    sides = factors.left.shape[0], factors.right.shape[1]
    return _HEADER.pack(factors.left.shape[1], factors.scale, *sides, len(left), len(right)) + left + right


def unpack_factors(data: Bytes, rows: int, columns: int) -> Factors:
    """Return factors of a matrix of these sides. Raises IntegrityError."""
    damaged = IntegrityError("the factors of a delta are damaged")
    if len(data) < _HEADER.size:
        raise damaged
    rank, scale, *sides, left_nbytes, right_nbytes = _HEADER.unpack_from(data)
    if sides != [rows, columns] or not 1 <= rank <= MOST_RANK or len(data) != _HEADER.size + left_nbytes + right_nbytes:
        raise damaged
    if not LEAST_SCALE <= scale < math.inf:
        raise damaged
    view = memoryview(data)[_HEADER.size :]
    left = _unpacked(view[:left_nbytes], rank, rows)
    found = Factors(np.ascontiguousarray(left.T), _unpacked(view[left_nbytes:], rank, columns), scale)
    if found.largest_sum >= _EXACT_FLOAT64:
        raise damaged
    return found


def _leading(change: Matrix, rank: int) -> tuple[Matrix, Matrix, Matrix]:
    """Return about the leading singular vectors and values: left [rows, rank], values [rank], right [rank, columns]."""
    start = np.random.default_rng(0).standard_normal((change.shape[1], rank), dtype=np.float32)
    within = np.linalg.qr(change.T @ np.linalg.qr(change @ start)[0])[0]
    within = np.linalg.qr(change @ within)[0]
    left, strengths, right = np.linalg.svd(within.T @ change, full_matrices=False)
    return within @ left, strengths, right


def _worthwhile(energies: NDArray[np.float64], total: float, rows: int, columns: int) -> int:
    """Return how many directions pay: each takes its energy from what is left, half a bit a value for each halving."""
    left = np.maximum(total - np.concatenate([[0.0], np.cumsum(energies)]), total * 1e-9)
    saved = 0.5 * np.log2(left[:-1] / left[1:]) * rows * columns - COEFFICIENT_BITS * (rows + columns)
    sums = np.cumsum(saved)
    best = int(np.argmax(sums))
    return best + 1 if sums[best] > 0 else 0


def _rounded(left: Matrix, strengths: Matrix, right: Matrix, total: float) -> Factors | None:
    rows, columns = left.shape[0], right.shape[1]
    rest = max(total - float(np.square(strengths, dtype=np.float64).sum()), total * 1e-9) / (rows * columns)
    roots = np.sqrt(strengths)
    balance = np.float32((rows / columns) ** 0.25)
    left, right = left * roots * balance, right * roots[:, None] / balance
    noise = (float(np.square(right).sum()) / columns + float(np.square(left).sum()) / rows) / 12
    quantum = ROUNDING * math.sqrt(rest / noise)
    scale = float(np.float32(quantum * quantum))
    found = Factors(np.rint(left / np.float32(quantum)), np.rint(right / np.float32(quantum)), scale)
    return found if LEAST_SCALE <= scale < math.inf and found.largest_sum < _EXACT_FLOAT64 else None


def _packed(values: Matrix) -> bytes:
    return pack(zigzag(values.astype(np.int32).view(np.uint32).reshape(-1)), SMALL_LEVEL)


def _unpacked(data: Bytes, rank: int, count: int) -> Matrix:
    values = np.empty(rank * count, np.uint32)
    unpack_into(bytes(data), values)
    return unzigzag(values).view(np.int32).astype(np.float32).reshape(rank, count)
