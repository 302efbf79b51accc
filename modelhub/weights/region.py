"""Where an array, or some of its rows, lies in the bytes of a tensor: what to read, and how to see it as an array."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.formats.dtypes import ORDINARY
from modelhub.weights.summary import FLOAT4, is_numeric

if TYPE_CHECKING:
    from modelhub.oid import Bytes
    from modelhub.weights.arrays import Array


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes `offset` to `offset + nbytes` of a tensor, and the array that lies in them.

    `strides` (None: C order) and `start` count elements; `start` is from `offset`. Of its rows every `step`-th is
    meant, from the last on where that is negative.
    """

    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    strides: tuple[int, ...] | None = None
    start: int = 0
    offset: int = 0
    step: int = 1

    def rows(self, wanted: slice) -> Region:
        """Return the region of some rows: indices on the first axis, counted and cut as Python does.

        It is no larger than those rows and what lies between them. Raises InvalidInputError where there are no rows, as
        in a scalar, or where they begin within a byte.
        """
        if not self.shape or min(self.shape) < 0:
            raise InvalidInputError("a single number has no rows", hint="read it without them")
        indices = range(*wanted.indices(self.shape[0]))
        first, count = (min(indices[0], indices[-1]), abs(indices[-1] - indices[0]) + 1) if indices else (0, 0)
        shape = (count, *self.shape[1:])
        if self.dtype in ORDINARY and self.dtype not in FLOAT4:
            return replace(self._elements(first, shape), step=indices.step)
        nbytes, rest = divmod(self.nbytes, max(self.shape[0], 1))
        if rest or self.strides is not None or self.start:
            raise InvalidInputError(f"rows of {self.dtype} are packed together here", hint="read the whole tensor")
        return replace(self, shape=shape, offset=first * nbytes, nbytes=count * nbytes, step=indices.step)

    def array(self, data: Bytes) -> Array:
        """Return the array in the region's bytes, as `to_array` does; of a dtype without numbers the bytes, flat."""
        from modelhub.weights.arrays import to_array

        found = to_array(data, self.dtype, self.shape, strides=self.strides, start=self.start)
        if self.step == 1:
            return found
        if is_numeric(self.dtype) or not found.size:
            return found[:: self.step]
        return found.reshape(self.shape[0], -1)[:: self.step].reshape(-1)

    def _elements(self, first: int, shape: tuple[int, ...]) -> Region:
        """Return the smallest stretch with the elements of so many rows from the first on."""
        strides = self.strides if self.strides is not None else in_order(self.shape)
        if not math.prod(shape):
            return replace(self, shape=shape, strides=None, start=0, offset=0, nbytes=0)
        begin = self.start + first * strides[0]
        last = begin + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        width = ORDINARY[self.dtype]
        return replace(
            self, shape=shape, strides=self.strides, start=0, offset=begin * width, nbytes=(last - begin + 1) * width
        )


def in_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of an array in C order."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return tuple(strides[: len(shape)])
