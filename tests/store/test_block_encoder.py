"""The block encoder never stores more than it must."""

from __future__ import annotations

import random

import numpy as np
import pytest
from contracts.codec import blocks
from hypothesis import given, settings

from modelhub.store.block_encoder import SURE_NBYTES, Effort, encode_block
from modelhub.store.codecs.registry import (
    BINNED_DELTA,
    BYTE_PLANES,
    GROUPED_DELTA,
    ITEM_DELTA,
    PLAIN_DELTA,
    RAW,
    SAME,
    SPARSE_DELTA,
    ZSTD,
    codec,
)
from modelhub.store.item import ITEM_KINDS, Item, Rows

EFFORTS: tuple[Effort, ...] = ("fast", "small")


@given(case=blocks())
@settings(max_examples=200, deadline=None)
def test_a_block_with_a_base_is_never_larger_than_without(case: tuple[Item, bytes, bytes]) -> None:
    item, block, base = case
    with_base, alone = encode_block(block, item, [base]), encode_block(block, item)
    assert len(with_base.data) <= len(alone.data) <= len(block)
    how = codec(with_base.frame.codec)
    assert bytes(how.decode(with_base.data, len(block), item, [base] if how.bases else [])) == block


@pytest.mark.parametrize("kind", ITEM_KINDS)
@pytest.mark.parametrize("related", [True, False])
def test_a_large_block_with_a_base_is_never_larger_than_without(numbers, kind: str, related: bool) -> None:
    item, block, base = numbers(kind, SURE_NBYTES // 2, related=related)
    assert len(encode_block(block, item, [base]).data) <= len(encode_block(block, item).data)


def test_a_large_constant_block_is_not_stored_as_a_delta(numbers) -> None:
    item, _, base = numbers("float32", SURE_NBYTES)
    encoded = encode_block(bytes(len(base)), item, [base])
    assert encoded.frame.codec == BYTE_PLANES
    assert len(encoded.data) < 500


def test_a_training_step_becomes_a_delta(numbers) -> None:
    for kind, expected in (("float32", BINNED_DELTA), ("bfloat16", GROUPED_DELTA), ("int32", PLAIN_DELTA)):
        item, block, base = numbers(kind, SURE_NBYTES)
        encoded = encode_block(block, item, [base])
        assert encoded.frame.codec == expected
        assert encoded.bases_used == 1


def test_weights_trained_from_scratch_become_no_delta(numbers) -> None:
    item, block, base = numbers("float32", SURE_NBYTES, related=False)
    assert encode_block(block, item, [base]).frame.codec == BYTE_PLANES


def test_an_unchanged_block_costs_nothing(numbers) -> None:
    item, block, _ = numbers("float32", 1000)
    encoded = encode_block(block, item, [bytes(bytearray(block))])
    assert (encoded.frame.codec, len(encoded.data)) == (SAME, 0)


def test_levels_packed_into_integers_are_told_apart() -> None:
    rng = np.random.default_rng(4)
    old = rng.integers(0, 0x77777777, 100_000, np.uint32) & np.uint32(0x77777777)
    steps = (rng.random((old.size, 8)) < 0.1).astype(np.uint32) << (4 * np.arange(8, dtype=np.uint32))
    new = old + steps.sum(axis=1, dtype=np.uint32)
    item = Item.of("int32")
    encoded = encode_block(new.tobytes(), item, [old.tobytes()])
    plain = codec(PLAIN_DELTA).encode(new.tobytes(), item, [old.tobytes()])
    assert encoded.frame.codec == ITEM_DELTA
    assert plain is not None
    assert len(encoded.data) < 0.8 * len(plain)


@pytest.mark.parametrize("effort", EFFORTS)
def test_few_changed_numbers_are_a_sparse_delta_whatever_the_effort(numbers, effort: Effort) -> None:
    item, block, base = numbers("float32", SURE_NBYTES)
    new, old = (np.frombuffer(one, np.float32) for one in (block, base))
    few = np.where(np.random.default_rng(3).random(old.size) < 0.01, new, old).tobytes()
    encoded = encode_block(few, item, [base], Rows(512), effort=effort)
    assert encoded.frame.codec == SPARSE_DELTA
    assert len(encoded.data) < 0.01 * len(few)


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_small_is_never_larger_than_fast_where_weights_only_decayed(kind: str) -> None:
    item = Item.of(kind)
    old = np.random.default_rng(7).standard_normal((512, 384)).astype(np.float16).astype(np.float32)
    new = old
    for _ in range(40):
        new = new - new * np.float32(2e-7)
    block, base = (values.view(np.uint8).reshape(-1, 4)[:, -item.nbytes :].tobytes() for values in (new, old))
    fast, small = (encode_block(block, item, [base], Rows(384), effort=effort) for effort in EFFORTS)
    assert len(small.data) <= len(fast.data)


def test_tiny_and_random_blocks_stay_raw() -> None:
    assert encode_block(b"\0" * 60, Item.of("float32")).frame.codec == RAW
    noise = random.Random(0).randbytes(4000)
    assert encode_block(noise, Item("bytes", 1)).frame.codec == RAW


def test_text_is_compressed() -> None:
    assert encode_block(b"to be or not to be " * 100, Item("bytes", 1)).frame.codec == ZSTD


def test_a_block_that_holds_no_whole_items_is_stored_as_bytes(numbers) -> None:
    _, block, base = numbers("float32", 2000)
    encoded = encode_block(block[:-3], Item.of("float32"), [base[:-3]])
    assert encoded.frame.codec in (RAW, ZSTD)
