"""Find sketches like one another without comparing all pairs: those on the same side of the same random planes.

Locality-sensitive hashing by the sign of random projections (Charikar, STOC 2002), in eight tables of twelve bits. Two
sketches of correlation 0.95 share a bucket with probability 0.93, of 0.99 with 0.999, unrelated ones with 0.002.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from modelhub.weights.kinship import centred_distances

TABLES = 8
BITS = 12
MOST_IN_BUCKET = 16
"""So many lines, the last to come, are remembered in a bucket: the cost of a tensor stays bounded."""


class SketchIndex:
    """Takes tensors one after another, each under the line it belongs to; of a line only the newest is remembered."""

    def __init__(self, sketches: Sequence[bytes]) -> None:
        """`sketches`, all of one length, are those that `nearest` and `add` will name by their place."""
        self._sketches = sketches
        self._codes = _codes(sketches)
        self._buckets: dict[tuple[int, int], dict[Hashable, int]] = {}

    def nearest(self, place: int, *, line: Hashable, bound: float, most: int) -> list[int]:
        """Return the places added before, of other lines, whose sketch is less than `bound` from this one.

        Nearest first, at most so many; distances are those of `kinship.centred_distances`.
        """
        found: dict[int, None] = {}
        for table, code in enumerate(self._codes[place]):
            bucket = self._buckets.get((table, code), {})
            found.update((other, None) for owner, other in bucket.items() if owner != line)
        others = list(found)
        far = centred_distances(self._sketches[place], [self._sketches[other] for other in others])
        near = sorted((distance, -other) for distance, other in zip(far, others, strict=True) if distance < bound)
        return [-other for _, other in near[:most]]

    def add(self, place: int, *, line: Hashable) -> None:
        """Remember a sketch as the newest of its line."""
        for table, code in enumerate(self._codes[place]):
            bucket = self._buckets.setdefault((table, code), {})
            bucket.pop(line, None)
            bucket[line] = place
            if len(bucket) > MOST_IN_BUCKET:
                del bucket[next(iter(bucket))]


def _codes(sketches: Sequence[bytes]) -> list[list[int]]:
    """Return for each sketch its bucket in every table."""
    if not sketches:
        return []
    values: npt.NDArray[np.float32] = np.frombuffer(b"".join(sketches), dtype="<f4").reshape(len(sketches), -1)
    with np.errstate(all="ignore"):
        finite = np.where(np.isfinite(values), values, np.float32(0)).astype(np.float64)
        centred = finite - finite.mean(axis=1, keepdims=True)
    planes = np.random.default_rng(0).standard_normal((values.shape[1], TABLES * BITS))
    sides = (centred @ planes > 0).reshape(len(sketches), TABLES, BITS)
    codes: list[list[int]] = (sides @ (1 << np.arange(BITS))).tolist()
    return codes
