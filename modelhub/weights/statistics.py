"""Describe a tensor by a few numbers (mean, spread, range, norm, zeros, NaN and Inf), block by block.

Every sum is taken in float64 over fixed slices with numpy's pairwise addition, never through BLAS, so equal blocks give
equal bits whatever the processor and the number of threads. NaN and Inf are counted and left out of everything else.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from modelhub.oid import Bytes
from modelhub.weights.arrays import item_nbytes, to_numbers
from modelhub.weights.summary import TensorStatistics, is_numeric

# A slice in float64 (512 KiB) stays in a core's own cache.
SLICE_ELEMENTS = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True)
class Partial:
    """The sums over one part of a tensor; `spread` is the sum of squared distances from `mean`."""

    count: int = 0
    finite: int = 0
    mean: float = 0.0
    spread: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    numeric: bool = True


NO_NUMBERS = Partial(numeric=False)


def partial(block: Bytes, dtype: str) -> Partial:
    """Sum up one block; pure and safe to call from many threads.

    Cost: about 2.5 ms for 2**20 float32 values. Raises InvalidInputError where the block cuts a value in two.
    """
    if not is_numeric(dtype):
        return NO_NUMBERS
    with np.errstate(all="ignore"):
        return _merge_all(_slice(numbers) for numbers in slices(block, dtype))


def combine(partials: Iterable[Partial]) -> TensorStatistics:
    """Join the parts of one tensor, given in the order of its blocks."""
    total = _merge_all(partials)
    if not total.numeric:
        return TensorStatistics(0, None, None, None, None, None, None, None, None)
    exact = total.finite > 0
    square = total.spread + total.finite * total.mean * total.mean
    return TensorStatistics(
        count=total.count,
        mean=_known(total.mean, exact),
        std=_known(math.sqrt(total.spread / total.finite) if exact else 0.0, exact),
        minimum=_known(total.minimum, exact),
        maximum=_known(total.maximum, exact),
        norm=_known(math.sqrt(square), exact),
        zeros=total.zeros,
        nans=total.nans,
        infs=total.infs,
    )


class Accumulator:
    """Statistics of a stream of bytes cut anywhere, even inside a value."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._total = Partial()
        self._rest = b""

    def add(self, block: Bytes) -> None:
        """Take the next bytes of the tensor."""
        if self._rest:
            block = self._rest + bytes(block)
        whole = len(block) - len(block) % item_nbytes(self._dtype)
        self._rest = bytes(block[whole:])
        self._total = merge(self._total, partial(memoryview(block)[:whole], self._dtype))

    def result(self) -> TensorStatistics:
        """Return the statistics of everything added so far; bytes of an unfinished value do not count."""
        return combine([self._total])


def merge(left: Partial, right: Partial) -> Partial:
    """Join the sums of two parts of one tensor, `left` first (Chan, Golub and LeVeque's update of mean and spread)."""
    finite = left.finite + right.finite
    weight = right.finite / finite if finite else 0.0
    step = right.mean - left.mean
    return Partial(
        count=left.count + right.count,
        finite=finite,
        mean=left.mean if weight == 0.0 else right.mean if weight == 1.0 else left.mean + step * weight,
        spread=left.spread + right.spread + step * step * left.finite * weight,
        minimum=min(left.minimum, right.minimum),
        maximum=max(left.maximum, right.maximum),
        zeros=left.zeros + right.zeros,
        nans=left.nans + right.nans,
        infs=left.infs + right.infs,
        numeric=left.numeric and right.numeric,
    )


def slices(block: Bytes, dtype: str) -> Iterator[npt.NDArray[Any]]:
    """Cut a block of a numeric dtype into flat arrays (of `arrays.to_numbers`) that fit a core's cache."""
    view = memoryview(block).cast("B")
    step = SLICE_ELEMENTS * item_nbytes(dtype)
    for at in range(0, len(view), step):
        numbers = to_numbers(view[at : at + step], dtype)
        if numbers is not None:
            yield numbers


def _merge_all(partials: Iterable[Partial]) -> Partial:
    total = Partial()
    for part in partials:
        total = merge(total, part)
    return total


def _known(value: float, exact: bool) -> float | None:
    return float(value) if exact and math.isfinite(value) else None


def _slice(numbers: npt.NDArray[Any]) -> Partial:
    """Sum up at most SLICE_ELEMENTS numbers."""
    count = numbers.size
    wide = numbers.astype(np.float64)
    total = float(np.add.reduce(wide))
    nans = infs = 0
    if not math.isfinite(total):  # NaN, Inf, or a sum too large for float64
        nans = int(np.count_nonzero(np.isnan(wide)))
        infs = int(np.count_nonzero(np.isinf(wide)))
        if nans or infs:
            kept = np.isfinite(wide)
            wide, numbers = wide[kept], numbers[kept]
            total = float(np.add.reduce(wide))
    if not wide.size:
        return Partial(count=count, nans=nans, infs=infs)
    zeros = wide.size - int(np.count_nonzero(numbers))
    minimum, maximum = float(numbers.min()), float(numbers.max())
    mean = total / wide.size
    if math.isfinite(mean):
        mean = min(max(mean, minimum), maximum)  # rounding must not move the mean of equal numbers off them
    wide -= mean
    np.multiply(wide, wide, out=wide)
    return Partial(count, wide.size, mean, float(np.add.reduce(wide)), minimum, maximum, zeros, nans, infs)
