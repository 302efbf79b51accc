"""Make long curves fit for a drawing: smoothed, and thinned so that every spike stays."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 2000


def smoothed(values: NDArray[Any], window: int) -> NDArray[Any]:
    """Return the mean of `window` points around each one, fewer at the ends; NaN counts for nothing."""
    import numpy as np

    if window < 2 or not len(values):
        return values
    there = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(there, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(there)))
    place = np.arange(len(values))
    low, high = np.maximum(place - (window - 1) // 2, 0), np.minimum(place + window // 2 + 1, len(values))
    count = counts[high] - counts[low]
    means = (sums[high] - sums[low]) / np.maximum(count, 1)
    return np.where(there & (count > 0), means, np.nan)


def thinned(x: NDArray[Any], y: NDArray[Any], most: int = MOST_POINTS) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return at most about `most` of the points: the lowest and the highest of each stretch, the first and the last."""
    import numpy as np

    if len(y) <= most:
        return x, y
    edges = np.linspace(0, len(y), most // 2 + 1).astype(np.int64)
    kept = {0, len(y) - 1}
    for begin, end in itertools.pairwise(edges.tolist()):
        part = y[begin:end]
        finite = np.isfinite(part)
        if finite.any():
            kept.add(int(begin + np.argmin(np.where(finite, part, np.inf))))
            kept.add(int(begin + np.argmax(np.where(finite, part, -np.inf))))
        else:
            kept.add(int(begin))
    chosen = np.array(sorted(kept))
    return x[chosen], y[chosen]


def drawable(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as floats, NaN in the place of what no drawing has room for."""
    import numpy as np

    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
