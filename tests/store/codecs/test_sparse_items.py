"""Items that differ here and there keep the contract, and cost where they are and what they are."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from contracts.codec import SHARED, SPECIAL, CodecContract
from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.errors import IntegrityError
from modelhub.store.block_encoder import encode_block
from modelhub.store.codecs.registry import (
    BINNED_DELTA,
    BYTE_PLANES,
    FITTED_DELTA,
    GROUPED_DELTA,
    ITEM_DELTA,
    PLAIN_DELTA,
    SAME,
    codec,
)
from modelhub.store.codecs.sparse_items import SPARSE_DELTA, SPARSE_ITEMS
from modelhub.store.item import ITEM_KINDS, Item

DELTAS = {"float32": BINNED_DELTA, "bfloat16": GROUPED_DELTA}
WIDTHS = st.sampled_from([*ITEM_KINDS]).map(Item.of) | st.sampled_from([3, 18, 144, 600]).map(
    lambda width: Item("bytes", width)
)


@st.composite
def sparse(draw: st.DrawFn) -> tuple[Item, bytes, bytes]:
    """Draw items, and a base of which they differ in some: by arbitrary bits, NaNs and minus zero among them."""
    item = draw(WIDTHS)
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    old = rng.integers(0, 256, (draw(st.integers(1, 300)), item.nbytes), np.uint8)
    old[rng.random(len(old)) < draw(st.sampled_from([0, 0.5, 0.95]))] = 0
    new = old.copy()
    chosen = np.flatnonzero(rng.random(len(old)) < draw(st.sampled_from([0.01, 0.1, 0.3, 1])))
    new[chosen] = rng.integers(0, 256, (len(chosen), item.nbytes), np.uint8)
    if item.kind in SPECIAL and len(chosen):
        bits = draw(st.sampled_from(SPECIAL[item.kind]))
        new[chosen[0]] = np.frombuffer(bits.to_bytes(item.nbytes, "little"), np.uint8)
    return item, new.tobytes(), old.tobytes()


class OfSparseItems(CodecContract):
    """What both codecs promise."""

    @given(case=sparse())
    @settings(max_examples=300, **SHARED)
    def test_items_of_any_bits_come_back(self, case: tuple[Item, bytes, bytes]) -> None:
        item, block, base = case
        self.round_trip(block, item, base)

    @pytest.mark.parametrize("kind", ["float32", "bfloat16", "int8"])
    def test_damaged_sparse_items_raise_nothing_but_integrity_errors(self, numbers, kind: str) -> None:
        item, block, base = self.scattered(numbers, kind)
        frame = self.codec.encode(block, item, self.bases(base))
        assert frame is not None
        self.try_damaged(frame, len(block), item, base)

    @pytest.mark.parametrize("codec_id", [SAME, FITTED_DELTA, 19, 20, 99, 0x1000000])
    def test_codecs_that_do_not_belong_inside_are_refused(self, numbers, codec_id: int) -> None:
        item, block, base = self.scattered(numbers, "float32")
        frame = self.codec.encode(block, item, self.bases(base))
        assert frame is not None
        with pytest.raises(IntegrityError):
            self.codec.decode(struct.pack("<I", codec_id) + frame[4:], len(block), item, self.bases(base))

    def scattered(self, numbers, kind: str, share: float = 0.02) -> tuple[Item, bytes, bytes]:
        """Return items, a block, and a base from which so many numbers differ, or a block of so many that are not 0."""
        item, new, old = numbers(kind, 30_000)
        new, old = (np.frombuffer(one, np.uint8).reshape(-1, item.nbytes).copy() for one in (new, old))
        new[:, 0] ^= np.uint8(1)
        chosen = np.random.default_rng(6).random((len(new), 1)) < share
        return item, np.where(chosen, new, old if self.codec.bases else 0).astype(np.uint8).tobytes(), old.tobytes()


class TestSparseDelta(OfSparseItems):
    codec = SPARSE_DELTA

    @pytest.mark.parametrize("kind", DELTAS)
    def test_scattered_changes_cost_less_than_in_another_delta(self, numbers, kind: str) -> None:
        item, block, base = self.scattered(numbers, kind)
        encoded, other = encode_block(block, item, [base]), codec(DELTAS[kind]).encode(block, item, [base])
        assert encoded.frame.codec == SPARSE_DELTA.id
        assert other is not None
        assert len(encoded.data) < 0.95 * len(other)

    def test_some_rows_of_int8_cost_less_than_half_of_another_delta(self) -> None:
        rng = np.random.default_rng(9)
        old = rng.integers(-100, 100, (500, 384)).astype(np.int8)
        new = old.copy()
        new[::50] += rng.choice([-2, -1, 1, 2], (10, 384)).astype(np.int8)
        item = Item.of("int8")
        encoded = encode_block(new.tobytes(), item, [old.tobytes()])
        other = codec(PLAIN_DELTA).encode(new.tobytes(), item, [old.tobytes()])
        assert encoded.frame.codec == SPARSE_DELTA.id
        assert other is not None
        assert len(encoded.data) < 0.5 * len(other)

    def test_items_that_stay_cost_nothing_among_quantised_ones(self) -> None:
        rng = np.random.default_rng(8)
        old = rng.integers(0, 256, (20_000, 18), np.uint8)
        new = old.copy()
        new[5000:5400] ^= np.uint8(16)
        item = Item("bytes", 18)
        encoded = encode_block(new.tobytes(), item, [old.tobytes()])
        plain = codec(ITEM_DELTA).encode(new.tobytes(), item, [old.tobytes()])
        assert encoded.frame.codec == SPARSE_DELTA.id
        assert plain is not None
        assert len(encoded.data) < 0.8 * len(plain)

    def test_blocks_that_differ_everywhere_or_nowhere_are_left_to_others(self, numbers) -> None:
        item, block, base = numbers("float32", 30_000)
        assert SPARSE_DELTA.encode(block, item, [base]) is None
        assert SPARSE_DELTA.encode(base, item, [base]) is None


class TestSparseItems(OfSparseItems):
    codec = SPARSE_ITEMS

    @pytest.mark.parametrize("kind", DELTAS)
    def test_pruned_weights_cost_less_than_in_planes(self, numbers, kind: str) -> None:
        item, block, _ = self.scattered(numbers, kind, 0.3)
        encoded = encode_block(block, item)
        other = codec(BYTE_PLANES).encode(block, item, [])
        assert encoded.frame.codec == SPARSE_ITEMS.id
        assert len(encoded.data) < 0.9 * len(other or block)

    def test_minus_zero_is_no_zero(self) -> None:
        block = np.zeros(5000, np.float32)
        block[7:5000:90] = -0.0
        self.round_trip(block.tobytes(), Item.of("float32"), b"")

    def test_blocks_of_zeros_or_without_any_are_left_to_others(self, numbers) -> None:
        item, block, _ = numbers("float32", 30_000)
        assert SPARSE_ITEMS.encode(block, item, []) is None
        assert SPARSE_ITEMS.encode(bytes(4000), item, []) is None
