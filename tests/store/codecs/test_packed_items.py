"""Items of some bytes, quantised ones above all, come back whatever they hold, and cost what moved."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.codec import SHARED, CodecContract
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.block_encoder import encode_block
from modelhub.store.codecs.item_layout import LAYOUTS
from modelhub.store.codecs.packed_items import ITEM_DELTA, MOST_NBYTES, PACKED_ITEMS
from modelhub.store.codecs.zstd import ZSTD
from modelhub.store.item import NO_ROWS, Item, Rows

HALVES = {18: [0], 20: [0, 2], 34: [0], 144: [0, 2], 176: [0, 2], 210: [208]}
"""Where float16 numbers begin in items of each known type."""

WIDTHS = pytest.mark.parametrize("width", LAYOUTS)


@st.composite
def quantised(draw: st.DrawFn) -> tuple[Item, bytes, bytes]:
    """Draw items of a known type, and a base: arbitrary bits, the same, or some bytes of it changed."""
    width = draw(st.sampled_from([*LAYOUTS]))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    old = rng.integers(0, 256, draw(st.integers(1, 12)) * width, np.uint8)
    new = np.where(rng.random(old.size) < draw(st.sampled_from([0, 0.01, 0.2, 1])), rng.integers(0, 256, old.size), old)
    return Item("bytes", width), new.astype(np.uint8).tobytes(), old.tobytes()


def trained(width: int, count: int = 1200, *, moved: float = 0.1) -> tuple[bytes, bytes]:
    """Return items of a known type and those before, quantised from weights that moved by a part of a level.

    Of the scales a third moved by a unit or two.
    """
    layout, rng = LAYOUTS[width], np.random.default_rng(width)
    head = rng.integers(1, 3, (len(layout.head), count), np.uint8) << np.uint8(4)
    head |= rng.integers(5, 12, head.shape, np.uint8)
    later = head + (rng.random(head.shape) < 1 / 3) * rng.integers(0, 3, head.shape, np.uint8)
    for half in HALVES[width]:
        at = layout.head.index(half)
        later[at] += (later[at] - head[at]) * np.uint8(20)
        head[at + 1] = later[at + 1] = 0x24
    levels = rng.normal(layout.top / 2, layout.top / 6, (layout.levels, count)).clip(0, layout.top)
    found = []
    for one, there in ((later, levels + rng.normal(0, moved, levels.shape)), (head, levels)):
        columns = np.zeros((width, count), np.uint8)
        columns[list(layout.head)] = head
        scale, least = (part.repeat(layout.shared, axis=0) for part in layout.scales(columns))
        weights = scale * there + least
        columns[list(layout.head)] = one
        scale, least = (part.repeat(layout.shared, axis=0) for part in layout.scales(columns))
        layout.write(np.rint((weights - least) / scale).clip(0, layout.top).astype(np.uint8), columns)
        found.append(columns.T.tobytes())
    return found[0], found[1]


class OfItems(CodecContract):
    """What both codecs promise."""

    @given(case=quantised())
    @settings(max_examples=200, **SHARED)
    def test_quantised_items_of_any_bits_come_back(self, case: tuple[Item, bytes, bytes]) -> None:
        item, block, base = case
        self.round_trip(block * 9, item, base * 9)

    @pytest.mark.parametrize("width", [*LAYOUTS, 3, 84, 110])
    def test_damaged_items_raise_nothing_but_integrity_errors(self, width: int) -> None:
        rng = np.random.default_rng(width)
        old = rng.integers(0, 256, 200 * width, np.uint8)
        new, old = (old + rng.integers(0, 2, old.size, np.uint8)).tobytes() + old.tobytes(), old.tobytes() * 2
        new, old = (np.frombuffer(one, np.uint8) & np.uint8(0x77) for one in (new, old))
        item, block, base = Item("bytes", width), new.tobytes(), old.tobytes()
        frame = self.codec.encode(block, item, self.bases(base))
        assert frame is not None
        self.try_damaged(frame, len(block), item, base)

    def test_bytes_after_the_columns_of_unknown_items_are_refused(self) -> None:
        item, block = Item("bytes", 3), bytes(range(30)) * 30
        frame = self.codec.encode(block, item, self.bases(bytes(900)))
        assert frame is not None
        with pytest.raises(IntegrityError):
            self.codec.decode(bytes(frame) + b"\0", len(block), item, self.bases(bytes(900)))

    def test_items_that_are_not_whole_or_too_wide_are_left_to_others(self) -> None:
        for width, nbytes in ((18, 2000), (MOST_NBYTES + 1, 2 * MOST_NBYTES + 2)):
            item = Item("bytes", width)
            assert self.codec.encode(bytes(nbytes), item, self.bases(bytes(nbytes))) is None
            with pytest.raises(IntegrityError):
                self.codec.decode(bytes(99), nbytes, item, self.bases(bytes(nbytes)))


class TestPackedItems(OfItems):
    codec = PACKED_ITEMS

    @WIDTHS
    def test_quantised_weights_cost_less_than_with_zstd(self, width: int) -> None:
        block, item = trained(width)[0], Item("bytes", width)
        packed, zstd = PACKED_ITEMS.encode(block, item, []), ZSTD.encode(block, item, [])
        assert packed is not None
        assert len(packed) < len(zstd or block)


class TestItemDelta(OfItems):
    codec = ITEM_DELTA

    @WIDTHS
    def test_a_small_step_costs_less_than_half(self, width: int) -> None:
        new, old = trained(width)
        encoded = encode_block(new, Item("bytes", width), [old])
        assert encoded.frame.codec == ITEM_DELTA.id
        assert len(encoded.data) < len(new) / 2

    @WIDTHS
    def test_levels_under_a_scale_that_moved_are_expected(self, width: int) -> None:
        new, old = trained(width, moved=0)
        expected, plain = (ITEM_DELTA.encode(new, item, [old]) for item in (Item("bytes", width), Item("int8")))
        assert expected is not None
        assert plain is not None
        assert len(expected) < 0.8 * len(plain)

    def test_hostile_scales_are_no_trouble(self) -> None:
        halves = np.array([0x7C00, 0xFC00, 0x7E01, 0xFD55, 0x8000, 0, 1, 0x7BFF, 0xFBFF, 0x3C00], "<u2")
        for width, places in HALVES.items():
            rng = np.random.default_rng(width)
            old = rng.integers(0, 4, (100 * 12, width), np.uint8)
            new = old ^ (rng.random(old.shape) < 0.02)
            for at in places:
                old[:, at : at + 2] = np.tile(np.repeat(halves, 10), 12).view(np.uint8).reshape(-1, 2)
                new[:, at : at + 2] = np.tile(np.tile(halves, 10), 12).view(np.uint8).reshape(-1, 2)
            self.check(new.tobytes(), old.tobytes(), Item("bytes", width))

    def check(self, block: bytes, base: bytes, item: Item, rows: Rows = NO_ROWS) -> None:
        frame = ITEM_DELTA.encode(block, item, [base], rows)
        assert frame is not None
        assert bytes(ITEM_DELTA.decode(frame, len(block), item, [base])) == block

    def test_unrelated_items_become_no_delta(self) -> None:
        new, old = trained(18, moved=100)
        assert encode_block(new, Item("bytes", 18), [old]).bases_used == 0
