"""Arrays that a thread uses again and again: fresh memory costs more than most of what is done in it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_kept = threading.local()


def scratch(role: str, count: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return `count` items of no certain value, the calling thread's own until it asks for the same role again.

    What is in use at the same time needs different roles. A thread keeps the largest array of each role and dtype: one
    block for `steps`, elsewhere a piece of one.
    """
    arrays: dict[tuple[str, np.dtype[Any]], NDArray[Any]] | None = getattr(_kept, "arrays", None)
    if arrays is None:
        arrays = _kept.arrays = {}
    key = role, np.dtype(dtype)
    found = arrays.get(key)
    if found is None or found.size < count:
        found = arrays[key] = np.empty(count, dtype)
    return found[:count]
