"""Which level of a quantised item is to be expected, from its base's level and the scales of both.

Where a scale has moved all levels under it move, though no weight did. The level that is expected is a fraction; how it
lies between two whole ones says how likely either is, so that is the key by which steps are grouped. What is computed
for each level is computed in whole numbers; what is for each scale, in single operations of float32. So it comes out
the same everywhere. Measurements: docs/design/015-other-kinds-of-numbers.md.
"""

from __future__ import annotations

import numpy as np

from modelhub.store import loops
from modelhub.store.codecs.item_layout import Columns, Floats, ItemLayout, Levels
from modelhub.store.loops.levels import ONE_BITS, PART_BITS, Integers, Moved

LEVEL_ELEMENTS = 1 << 17
"""Levels of one piece, of which all items are whole."""

_LARGEST_RATIO = np.float32(16)
_LARGEST_OFFSET = np.float32(4096)


def pieces(items: int, layout: ItemLayout) -> list[slice]:
    """Return the slices that cut items into pieces."""
    length = LEVEL_ELEMENTS // layout.levels
    return [slice(start, min(start + length, items)) for start in range(0, items, length)]


def expected_levels(layout: ItemLayout, old: Columns, new: Columns) -> tuple[Levels, Levels]:
    """Return the nearest whole levels to those that are expected, and the key of each.

    Of new items the head is looked at. Keys are 1 to 8, eighths between two levels, and 0 where the scale is as it was.
    Whatever the bits are, something is expected.
    """
    levels = layout.read(old)
    expected, keys = np.empty_like(levels), np.empty_like(levels)
    flat = levels.reshape(-1), expected.reshape(-1), keys.reshape(-1)
    loops.expect(flat[0], _moved(layout, old, new), *flat[1:], levels.shape[1], layout.top)
    return expected, keys


def _moved(layout: ItemLayout, old: Columns, new: Columns) -> Moved:
    """Return how levels are moved, [runs of levels that share a scale, items], flat.

    They stay where a scale is as it was, is 0, or has moved too far.
    """
    with np.errstate(all="ignore"):
        (scale, least), (before, least_before) = layout.scales(new), layout.scales(old)
        ratio, offset = before / scale, (least_before - least) / scale
    stays = (scale == before) & (least == least_before)
    is_known = (np.abs(ratio) < _LARGEST_RATIO) & (np.abs(offset) < _LARGEST_OFFSET) & ~stays
    factor = _in_parts(np.where(is_known, ratio, np.float32(1)))
    added = _in_parts(np.where(is_known, offset, np.float32(0)))
    added += np.int32(1 << ONE_BITS - PART_BITS - 1)
    turn: Levels = np.where(is_known, np.uint8(1), np.uint8(256 - (1 << PART_BITS - 1)))
    return Moved(factor.reshape(-1), added.reshape(-1), turn.reshape(-1))


def _in_parts(values: Floats) -> Integers:
    found: Integers = np.rint(values * np.float32(1 << ONE_BITS)).astype(np.int32)
    return found
