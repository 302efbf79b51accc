"""The layouts of quantised items cover every bit once, and give the weights that GGML's own reader gives."""

from __future__ import annotations

import numpy as np
import pytest

from modelhub.store.codecs.item_layout import LAYOUTS

TYPES = {18: "Q4_0", 20: "Q4_1", 34: "Q8_0", 144: "Q4_K", 176: "Q5_K", 210: "Q6_K"}


def some_items(width: int, count: int = 300) -> np.ndarray:
    """Return arbitrary items, uint8 [items, bytes]."""
    return np.random.default_rng(width).integers(0, 256, (count, width), np.uint8)


@pytest.mark.parametrize("width", LAYOUTS)
def test_head_and_levels_are_all_there_is(width: int) -> None:
    layout = LAYOUTS[width]
    columns = np.ascontiguousarray(some_items(width).T)
    levels = layout.read(columns)
    assert levels.shape == (layout.levels, columns.shape[1])
    assert levels.max() == layout.top
    found = np.zeros_like(columns)
    found[list(layout.head)] = columns[list(layout.head)]
    layout.write(levels, found)
    assert np.array_equal(found, columns)


@pytest.mark.parametrize(("width", "name"), TYPES.items())
def test_weights_are_scale_times_level_plus_least(width: int, name: str) -> None:
    quants = pytest.importorskip("gguf.quants")
    layout, items = LAYOUTS[width], some_items(width)
    with np.errstate(all="ignore"):
        wanted = quants.dequantize(items, getattr(quants.GGMLQuantizationType, name))
        columns = np.ascontiguousarray(items.T)
        scale, least = layout.scales(columns)
        runs = layout.read(columns).reshape(len(scale), layout.shared, -1)
        weights = (scale[:, None] * runs + least[:, None]).reshape(layout.levels, -1).T
    is_number = np.isfinite(wanted)
    assert is_number.mean() > 0.9
    assert np.allclose(weights[is_number], wanted[is_number], rtol=1e-3, atol=1e-2)
