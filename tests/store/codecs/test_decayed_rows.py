"""Rows that only decayed are found, cost next to nothing, and come back with everything beside them."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.codec import SHARED, SPECIAL, CodecContract
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.block_encoder import encode_block
from modelhub.store.codecs.decayed_rows import find_decayed, top_of_mantissa
from modelhub.store.codecs.fitted_delta import (
    BINNED_DECAY_DELTA,
    BINNED_DECAY_DELTA_OF_TWO,
    DECAY_DELTA,
    DECAY_DELTA_OF_TWO,
    FITTED_DELTA,
    FittedDelta,
)
from modelhub.store.codecs.registry import NAMES
from modelhub.store.item import Item, Rows

FLOAT32 = Item.of("float32")
SHARE = np.float32(2e-7)
"""What decay takes at a step: a learning rate of 2e-5 and a decay of 0.01."""


def decayed(weights: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        weights = weights - weights * SHARE
    return weights


def training(seed: int, shape: tuple[int, int], *, seen: int, steps: int = 40) -> list[np.ndarray]:
    """Return weights before, halfway and after so many steps of which only the first `seen` rows have a gradient."""
    rng = np.random.default_rng(seed)
    versions = [(rng.standard_normal(shape) * 0.05).astype(np.float32)]
    for _ in range(2):
        weights = decayed(versions[-1], steps // 2)
        weights[:seen] += (rng.standard_normal((seen, shape[1])) * 1e-4).astype(np.float32)
        versions.append(weights)
    return versions


@st.composite
def decayed_blocks(draw: st.DrawFn) -> tuple[Rows, bytes, bytes, bytes]:
    """Draw a block of which some rows only decayed, with its bases, cut anywhere, with strange numbers strewn in."""
    length = draw(st.sampled_from([16, 64, 100, 1000, 3000]))
    count = draw(st.integers(5000, 9000))
    lead = draw(st.integers(0, length - 1))
    height = -(-(lead + count) // length)
    versions = training(draw(st.integers(0, 1 << 20)), (height, length), seen=draw(st.integers(0, height)))
    blocks = [version.reshape(-1)[lead : lead + count].view(np.uint32) for version in versions[::-1]]
    for block in blocks:
        for at in draw(st.lists(st.integers(0, count - 1), max_size=20)):
            block[at] = draw(st.sampled_from(SPECIAL["float32"]))
    return Rows(length, lead), *(block.tobytes() for block in blocks)


class DecayContract(CodecContract):
    """What all codecs for decayed rows promise."""

    codec: FittedDelta

    @given(case=decayed_blocks())
    @settings(max_examples=60, **SHARED)
    def test_rows_cut_anywhere_and_strange_numbers_come_back(self, case) -> None:
        rows, block, *bases = case
        frame = self.codec.encode(block, FLOAT32, bases, rows)
        if frame is not None:
            assert bytes(self.codec.decode(frame, len(block), FLOAT32, bases)) == block

    def test_decayed_rows_cost_next_to_nothing(self) -> None:
        *bases, new = (version.tobytes() for version in training(1, (1000, 384), seen=0))
        frame = self.codec.encode(new, FLOAT32, bases[::-1], Rows(384))
        assert frame is not None
        assert len(frame) < 0.01 * len(new)

    def test_beside_rows_that_were_trained_they_cost_far_less_than_by_exponent(self) -> None:
        *bases, new = (version.tobytes() for version in training(2, (1000, 384), seen=100))
        decay, fitted = (one.encode(new, FLOAT32, bases[::-1], Rows(384)) for one in (self.codec, FITTED_DELTA))
        assert decay is not None
        assert fitted is not None
        assert len(decay) < 0.7 * len(fitted)
        assert bytes(self.codec.decode(decay, len(new), FLOAT32, bases[::-1])) == new

    @pytest.mark.parametrize("seen", [0, 1000])
    def test_without_a_row_that_decayed_it_is_left_to_others(self, seen: int) -> None:
        *bases, new = (version.tobytes() for version in training(3, (1000, 384), seen=seen, steps=40 if seen else 0))
        assert self.codec.encode(new, FLOAT32, bases[::-1], Rows(384)) is None

    def test_a_damaged_frame_is_refused(self) -> None:
        with pytest.raises(IntegrityError):
            self.codec.decode(bytes(100), 20_000, FLOAT32, [bytes(20_000)] * 2)


class OfTwoContract(DecayContract):
    """What those of two bases promise besides."""

    of_one: FittedDelta

    def test_beside_rows_that_go_on_moving_a_second_base_pays(self) -> None:
        before, old, _ = training(5, (1000, 384), seen=100)
        new = decayed(old, 33)
        new[:100] += (old - before)[:100] * np.float32(0.3)
        bases = [old.tobytes(), before.tobytes()]
        one, two = (codec.encode(new.tobytes(), FLOAT32, bases, Rows(384)) for codec in (self.of_one, self.codec))
        assert one is not None
        assert two is not None
        assert len(two) < 0.7 * len(one)


class TestDecayDelta(DecayContract):
    codec = DECAY_DELTA


class TestDecayDeltaOfTwo(OfTwoContract):
    codec = DECAY_DELTA_OF_TWO
    of_one = DECAY_DELTA


class TestBinnedDecayDelta(DecayContract):
    codec = BINNED_DECAY_DELTA

    def test_the_block_encoder_finds_it(self) -> None:
        *_, old, new = training(4, (1000, 384), seen=100)
        encoded = encode_block(new.tobytes(), FLOAT32, [old.tobytes()], Rows(384), effort="small")
        assert NAMES[encoded.frame.codec] == "binned decay delta"


class TestBinnedDecayDeltaOfTwo(OfTwoContract):
    codec = BINNED_DECAY_DELTA_OF_TWO
    of_one = BINNED_DECAY_DELTA


def test_rows_that_decayed_and_they_alone_are_found() -> None:
    *_, old, new = training(6, (500, 384), seen=200)
    new[450:] = old[450:]
    steps = (new.view(np.uint32) - old.view(np.uint32)).view(np.int32)
    found = find_decayed(steps, top_of_mantissa(old.view(np.uint32).reshape(-1), "float32").reshape(old.shape))
    assert found.tolist() == [False] * 200 + [True] * 250 + [False] * 50
