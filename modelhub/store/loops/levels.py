"""In which parts levels are reckoned that are to be expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ONE_BITS = 14
"""Ratios and offsets are in units of 2^-14."""

PART_BITS = 3
"""Keys are eighths of a level."""

Integers = NDArray[np.int32]
