"""What numbers must take by their frequencies: bounds beside which codecs can be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelhub.store.codecs.item_layout import LAYOUTS
from modelhub.store.codecs.level_prediction import expected_levels
from modelhub.store.item import Item

Bytes = NDArray[np.uint8]


def order_0(values: NDArray[Any]) -> float:
    """Return the bytes that these whole numbers take where each costs what its frequency says."""
    counts = np.unique(values, return_counts=True)[1]
    return float((counts * (np.log2(counts.sum()) - np.log2(counts))).sum() / 8)


def given(values: Bytes, keys: Bytes) -> float:
    """Return the same where the key of each, from 0 to 255, is known."""
    return order_0(keys.astype(np.int64) * 256 + values) - order_0(keys)


def items_bound(block: bytes, item: Item, base: bytes | None) -> float:
    """Return the entropy of a block of 8-bit numbers or quantised items: of each column of the head by itself, and of
    all levels; near a base that of the steps, of levels from what is expected and given the key."""
    new, old = (_columns(data, item) for data in (block, base or bytes(len(block))))
    layout = LAYOUTS.get(item.nbytes) if item.kind == "bytes" else None
    if layout is None:
        return sum(order_0(column) for column in new - old)
    head = sum(order_0(new[at] - old[at]) for at in layout.head)
    if base is None:
        return head + order_0(layout.read(new))
    expected, keys = expected_levels(layout, old, new)
    return head + given(layout.read(new) - expected, keys)


def planes_bound(block: bytes) -> float:
    """Return the entropy of the four byte planes of float32 numbers, their signs at the bottom."""
    bits = np.frombuffer(block, "<u4")
    turned = bits << np.uint32(1) | bits >> np.uint32(31)
    return sum(order_0(plane) for plane in turned.view(np.uint8).reshape(-1, 4).T)


def places_bound(marks: NDArray[np.bool_]) -> float:
    """Return the bytes that tell which items are marked, where each is by chance."""
    return order_0(marks)


def _columns(data: bytes, item: Item) -> Bytes:
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(-1, item.nbytes).T)
