"""Describe a tensor by a few numbers (mean, spread, range, norm, zeros, NaN and Inf), block by block.

Every sum is taken in float64 over fixed slices (`sums`), so equal blocks give equal bits whatever the processor and the
number of threads. NaN and Inf are counted and left out of everything else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from modelhub.oid import Bytes
from modelhub.weights.arrays import item_nbytes, to_numbers
from modelhub.weights.summary import TensorStatistics, is_numeric
from modelhub.weights.sums import Sums, of_slices, sum_up

# A slice in float64 (512 KiB) stays in a core's own cache.
SLICE_ELEMENTS = 1 << 16


class Partial(Struct, frozen=True):
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

    Cost: about 1.5 ms for 2**20 float32 values. Raises InvalidInputError where the block cuts a value in two.
    """
    if not is_numeric(dtype):
        return NO_NUMBERS
    with np.errstate(all="ignore"):
        if dtype == "float32":
            return _merge_all(_float32_slices(block))
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


def _float32_slices(block: Bytes) -> Iterator[Partial]:
    """Sum up all slices of a block in one call, which leaves the interpreter to other threads meanwhile."""
    numbers = to_numbers(block, "float32")
    if numbers is None:
        return
    for index, found in enumerate(of_slices(numbers, SLICE_ELEMENTS)):
        some = numbers[index * SLICE_ELEMENTS : (index + 1) * SLICE_ELEMENTS]
        yield _slice(some) if found is None else _finite(some.size, Sums(*found))


def _slice(numbers: npt.NDArray[Any]) -> Partial:
    """Sum up at most SLICE_ELEMENTS numbers."""
    if not numbers.size:
        return Partial()
    found = sum_up(numbers)
    if math.isfinite(found.mean):
        return _finite(numbers.size, found)
    nans, infs = int(np.count_nonzero(np.isnan(numbers))), int(np.count_nonzero(np.isinf(numbers)))
    if not nans and not infs:  # the sum is too large for float64
        return _finite(numbers.size, found)
    kept = numbers[np.isfinite(numbers)]
    strange = Partial(count=nans + infs, nans=nans, infs=infs)
    return merge(_finite(kept.size, sum_up(kept)), strange) if kept.size else strange


def _finite(count: int, found: Sums) -> Partial:
    return Partial(count, count, found.mean, found.spread, found.minimum, found.maximum, found.zeros)
