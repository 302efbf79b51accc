"""How levels are moved that are to be expected, and in which parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ONE_BITS = 14
"""Ratios and offsets are in units of 2^-14."""

PART_BITS = 3
"""Keys are eighths of a level."""

Levels = NDArray[np.uint8]
Integers = NDArray[np.int32]


class Moved(NamedTuple):
    """By what levels are multiplied, what is added then, and what is added to their keys, modulo 256."""

    ratio: Integers
    offset: Integers
    turn: Levels
