"""Fitted deltas keep the contract, for every shape and bit pattern, and reach the sizes they are there for."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.codec import SHARED, SPECIAL, CodecContract
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.codecs.fitted_delta import (
    FITTED_BINNED_DELTA,
    FITTED_BINNED_DELTA_OF_TWO,
    FITTED_DELTA,
    FITTED_DELTA_OF_TWO,
    LEAST_ELEMENTS,
)
from modelhub.store.codecs.integer_delta import GROUPED_DELTA
from modelhub.store.item import Item, Rows

KINDS = ("float32", "bfloat16", "float16")


def bits(values: np.ndarray, kind: str) -> bytes:
    if kind == "bfloat16":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()
    return values.astype(kind).tobytes()


@st.composite
def odd_blocks(draw: st.DrawFn) -> tuple[str, Rows, bytes, bytes, bytes]:
    """Draw blocks of two bases and what was trained from them, with strange numbers strewn in, and any rows."""
    kind = draw(st.sampled_from(KINDS))
    count = draw(st.integers(LEAST_ELEMENTS, LEAST_ELEMENTS + 3000))
    length = draw(st.sampled_from([0, 7, 16, 64, 100, 1000, 3000]))
    rows = Rows(length, draw(st.integers(0, length - 1)) if length else 0)
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    steps = rng.standard_normal(count) * 10.0 ** draw(st.integers(-9, 1))
    old = rng.standard_normal(count) * 10.0 ** draw(st.integers(-42, 3))
    with np.errstate(all="ignore"):
        blocks = [bytearray(bits(values, kind)) for values in (old + 2 * steps, old + steps, old)]
    width = Item.of(kind).nbytes
    for block in blocks:
        for at in draw(st.lists(st.integers(0, count - 1), max_size=20)):
            block[at * width : (at + 1) * width] = draw(st.sampled_from(SPECIAL[kind])).to_bytes(width, "little")
    return kind, rows, *map(bytes, blocks)


class TestFittedDelta(CodecContract):
    codec = FITTED_DELTA

    @given(case=odd_blocks())
    @settings(max_examples=60, **SHARED)
    def test_strange_numbers_and_rows_come_back(self, case) -> None:
        kind, rows, block, base, _ = case
        self.round_trip(block, Item.of(kind), base, rows)

    def test_rows_that_move_differently_cost_less_than_by_exponent_alone(self) -> None:
        rng = np.random.default_rng(3)
        old = rng.standard_normal((400, 500)) * 0.05
        new = old + rng.standard_normal(old.shape) * 10.0 ** rng.uniform(-7, -3, (400, 1))
        item, block, base = Item.of("float32"), bits(new, "float32"), bits(old, "float32")
        fitted, grouped = FITTED_DELTA.encode(block, item, [base], Rows(500)), GROUPED_DELTA.encode(block, item, [base])
        assert fitted is not None
        assert grouped is not None
        assert len(fitted) < 0.95 * len(grouped)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_low_rank_update_costs_little_more_than_its_factors(self, kind: str) -> None:
        rng = np.random.default_rng(4)
        old = rng.standard_normal((600, 500)) * 0.05
        update = rng.standard_normal((600, 4)) @ rng.standard_normal((4, 500)) * 0.01
        item, block, base = Item.of(kind), bits(old + update, kind), bits(old, kind)
        fitted, grouped = FITTED_DELTA.encode(block, item, [base], Rows(500)), GROUPED_DELTA.encode(block, item, [base])
        assert fitted is not None
        assert grouped is not None
        assert len(fitted) < 0.75 * len(grouped)
        assert bytes(FITTED_DELTA.decode(fitted, len(block), item, [base])) == block

    def test_rows_that_did_not_move_stay_cheap_beside_a_low_rank_update(self) -> None:
        rng = np.random.default_rng(5)
        old = rng.standard_normal((600, 500)) * 0.05
        update = rng.standard_normal((600, 4)) @ rng.standard_normal((4, 500)) * 0.01
        update[30:] = 0
        item, block, base = Item.of("float32"), bits(old + update, "float32"), bits(old, "float32")
        fitted = FITTED_DELTA.encode(block, item, [base], Rows(500))
        assert fitted is not None
        assert len(fitted) < 0.06 * len(block)

    @pytest.mark.parametrize("kind", ["float64", "int32", "int8", "bytes"])
    def test_other_kinds_are_left_to_others(self, numbers, kind: str) -> None:
        item, block, base = numbers(kind, 5000)
        assert FITTED_DELTA.encode(block, item, [base]) is None
        with pytest.raises(IntegrityError):
            FITTED_DELTA.decode(bytes(100), len(block), item, [base])


class TestFittedDeltaOfTwo(CodecContract):
    codec = FITTED_DELTA_OF_TWO

    @given(case=odd_blocks())
    @settings(max_examples=60, **SHARED)
    def test_strange_numbers_and_rows_come_back(self, case) -> None:
        kind, rows, block, base, before = case
        frame = FITTED_DELTA_OF_TWO.encode(block, Item.of(kind), [base, before], rows)
        if frame is not None:
            got = FITTED_DELTA_OF_TWO.decode(frame, len(block), Item.of(kind), [base, before])
            assert bytes(got) == block

    def test_a_movement_that_goes_on_is_predicted_row_by_row(self) -> None:
        rng = np.random.default_rng(6)
        first = rng.standard_normal((300, 500)) * 0.05
        step = rng.standard_normal(first.shape) * 1e-3
        second = first + step
        third = second + step * rng.uniform(-1, 1, (300, 1)) + rng.standard_normal(first.shape) * 1e-5
        item = Item.of("float32")
        blocks = [bits(values, "float32") for values in (third, second, first)]
        two = FITTED_DELTA_OF_TWO.encode(blocks[0], item, blocks[1:], Rows(500))
        one = FITTED_DELTA.encode(blocks[0], item, blocks[1:], Rows(500))
        assert two is not None
        assert one is not None
        assert len(two) < 0.75 * len(one)


class TestFittedBinnedDelta(CodecContract):
    codec = FITTED_BINNED_DELTA

    @given(case=odd_blocks().filter(lambda case: case[0] == "float32"))
    @settings(max_examples=60, **SHARED)
    def test_strange_numbers_and_rows_come_back(self, case) -> None:
        kind, rows, block, base, _ = case
        self.round_trip(block, Item.of(kind), base, rows)

    def test_it_takes_hardly_more_than_groups_do(self) -> None:
        rng = np.random.default_rng(3)
        old = rng.standard_normal((400, 500)) * 0.05
        new = old + rng.standard_normal(old.shape) * 10.0 ** rng.uniform(-7, -3, (400, 1))
        item, block, base = Item.of("float32"), bits(new, "float32"), bits(old, "float32")
        binned, grouped = (one.encode(block, item, [base], Rows(500)) for one in (FITTED_BINNED_DELTA, FITTED_DELTA))
        assert binned is not None
        assert grouped is not None
        assert len(binned) < 1.01 * len(grouped)

    @pytest.mark.parametrize("kind", ["float64", "bfloat16", "float16", "int32"])
    def test_other_kinds_are_left_to_others(self, numbers, kind: str) -> None:
        item, block, base = numbers(kind, 5000)
        assert FITTED_BINNED_DELTA.encode(block, item, [base]) is None
        with pytest.raises(IntegrityError):
            FITTED_BINNED_DELTA.decode(bytes(100), len(block), item, [base])


class TestFittedBinnedDeltaOfTwo(CodecContract):
    codec = FITTED_BINNED_DELTA_OF_TWO

    @given(case=odd_blocks().filter(lambda case: case[0] == "float32"))
    @settings(max_examples=60, **SHARED)
    def test_strange_numbers_and_rows_come_back(self, case) -> None:
        kind, rows, block, base, before = case
        frame = self.codec.encode(block, Item.of(kind), [base, before], rows)
        if frame is not None:
            assert bytes(self.codec.decode(frame, len(block), Item.of(kind), [base, before])) == block
