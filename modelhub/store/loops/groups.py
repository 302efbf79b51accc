"""Where elements go that are sorted by a key of eight bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

KEYS = 256
"""Keys are bytes."""

Keys = NDArray[np.uint8]
Places = NDArray[np.int64]


class Groups(NamedTuple):
    """The group of each key, and of each group the place of its next element and its end."""

    of_key: Keys
    next: Places
    ends: Places
