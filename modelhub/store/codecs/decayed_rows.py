"""Rows that weight decay alone has moved: all in the same way, and each element by its mantissa.

An optimiser with decoupled decay takes a share of every weight at each step, also of rows without a gradient, such as
those of tokens that it did not see. In units of the last place the share is the mantissa times a small number, rounded
to a whole number at each step: after any number of steps what was taken depends on the mantissa alone. So the steps of
all such rows are equal where the top bits of the mantissa are, whatever the exponent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelhub.store import loops
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, Words
from modelhub.store.codecs.scratch import scratch
from modelhub.store.loops.groups import Keys

MANTISSA_BITS = 5
FIRST_KEY = 256 - (2 << MANTISSA_BITS)
"""Keys from here on stand for sign and top bits of the mantissa of elements of decayed rows."""

DECAYED = 255
"""The class of a decayed row."""

REPEATED = 0.9
"""Where so many steps of a row occur in it more than once, decay alone has surely moved it."""

ALIKE = 0.5
"""A row is taken as decayed where so many of its steps are those that the sure ones have for the same mantissa."""

Marks = NDArray[np.bool_]


def find_decayed(steps: NDArray[np.signedinteger[Any]], mantissas: NDArray[np.uint8]) -> Marks:
    """Tell which rows decay alone has moved.

    Takes the signed steps in units of the last place, and the top bits of the mantissas, both [rows, length].
    Cost: sorts the rows.
    """
    in_order = np.sort(steps, axis=1)
    repeated = (in_order[:, 1:] == in_order[:, :-1]).mean(axis=1)
    moved = np.count_nonzero(steps, axis=1) > steps.shape[1] // 2
    sure: Marks = moved & (repeated > REPEATED)
    if not sure.any():
        return sure
    common = np.zeros(1 << MANTISSA_BITS, steps.dtype)
    known, bits = steps[sure], mantissas[sure]
    for top in range(common.size):
        of_top = known[bits == top]
        if of_top.size:
            common[top] = np.partition(of_top, of_top.size // 2)[of_top.size // 2]
    alike = (steps == common[mantissas]) & (steps != 0)
    found: Marks = alike.mean(axis=1) > ALIKE
    return found


def top_of_mantissa(bits: Words, kind: str) -> Keys:
    """Return the top MANTISSA_BITS bits of the mantissa of every element."""
    tops: Keys = np.empty(bits.size, np.uint8)
    loops.fields(bits, tops, EXPONENT_SHIFT[kind] - MANTISSA_BITS, (1 << MANTISSA_BITS) - 1)
    return tops


def key_by_mantissa(keys: Keys, known: Words, decayed: Marks, kind: str) -> None:
    """Give the elements of decayed rows the keys of their mantissas, all others smaller ones; in place.

    `decayed` has one mark for each row of these elements.
    """
    np.minimum(keys, np.uint8(FIRST_KEY - 1), out=keys)
    if decayed.any():
        table = keys.reshape(decayed.size, -1)
        by_mantissa = mantissa_keys(known, kind) + np.uint8(FIRST_KEY)
        np.copyto(table, by_mantissa.reshape(table.shape), where=decayed[:, None])


def mantissa_keys(known: Words, kind: str) -> Keys:
    """Return 0 to 63 for each number: the sign, then the top of the mantissa."""
    keys = top_of_mantissa(known, kind)
    signs: Keys = scratch("signs", known.size, np.uint8)
    loops.fields(known, signs, 8 * known.itemsize - 1 - MANTISSA_BITS, 1 << MANTISSA_BITS)
    keys |= signs
    return keys


def undecayed(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the classes, in which decayed rows, whose keys do not go by them, have a usual one."""
    others = stored[stored != DECAYED]
    return np.where(stored == DECAYED, np.uint8(np.median(others)) if others.size else np.uint8(0), stored)
