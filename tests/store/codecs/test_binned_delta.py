"""Binned deltas keep the contract and reach the sizes they are there for; damage of any of their parts is found."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from contracts.codec import CodecContract

from modelhub.errors import IntegrityError
from modelhub.store.codecs.binned_delta import BINNED_DELTA
from modelhub.store.codecs.integer_delta import GROUPED_DELTA
from modelhub.store.item import Item

FLOAT = Item.of("float32")


def encoded(block: bytes, base: bytes) -> bytes:
    frame = BINNED_DELTA.encode(block, FLOAT, [base])
    assert frame is not None
    assert bytes(BINNED_DELTA.decode(frame, len(block), FLOAT, [base])) == block
    return bytes(frame)


def parts(frame: bytes) -> tuple[list[int], bytes, bytes]:
    """Return the spikes, the packed symbols and the bits below."""
    count, nbytes = struct.unpack_from("<BxxxI", frame)
    begin = 8 + 4 * count
    return list(struct.unpack_from(f"<{count}I", frame, 8)), frame[begin : begin + nbytes], frame[begin + nbytes :]


class TestBinnedDelta(CodecContract):
    codec = BINNED_DELTA

    def test_a_training_step_costs_no_more_than_in_groups(self, numbers) -> None:
        _, block, base = numbers("float32", 300_000)
        grouped = GROUPED_DELTA.encode(block, FLOAT, [base])
        assert grouped is not None
        assert len(encoded(block, base)) < 1.01 * len(grouped)

    def test_the_same_real_step_costs_the_same_whatever_it_starts_from(self) -> None:
        rng = np.random.default_rng(1)
        steps = rng.standard_normal(100_000) * 1e-3
        sizes = []
        for spread in (0, 2):
            old = np.exp2(rng.uniform(-spread, spread, steps.size)).astype(np.float32)
            new = (old + steps).astype(np.float32)
            sizes.append(len(parts(encoded(new.tobytes(), old.tobytes()))[1]))
        assert sizes[1] < 1.05 * sizes[0]

    def test_common_steps_are_spikes_and_cost_next_to_nothing(self) -> None:
        rng = np.random.default_rng(2)
        old = rng.standard_normal(100_000).astype(np.float32)
        new = (old.view(np.uint32) + np.where(rng.random(old.size) < 0.9, 1218, 999).astype(np.uint32)).tobytes()
        spikes, _, below = parts(encoded(new, old.tobytes()))
        assert set(spikes) == {2 * 1218, 2 * 999, 2 * 1218 - 1, 2 * 999 - 1}
        assert below == b""

    @pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 131_073])
    def test_blocks_of_any_length_come_back(self, size: int) -> None:
        rng = np.random.default_rng(size)
        old = rng.standard_normal(size).astype(np.float32)
        new = (old.view(np.int32) + rng.integers(-9, 9, size)).astype(np.int32).tobytes()
        frame = BINNED_DELTA.encode(new, FLOAT, [old.tobytes()])
        if frame is not None:
            assert bytes(BINNED_DELTA.decode(frame, len(new), FLOAT, [old.tobytes()])) == new
        assert frame is not None or size < 8

    def test_steps_from_one_end_of_the_numbers_to_the_other_come_back(self) -> None:
        ends = np.array([0xFFFFFFFF, 0x7FFFFFFF, 0, 0x80000000, 0x7F800000, 0xFF800000], np.uint32)
        base, block = np.full(30_000, 0x3F800000, np.uint32), np.full(30_000, 0x3F800001, np.uint32)
        base[: ends.size], block[: ends.size] = ends, ends[::-1]
        base[100], block[100] = 0x7FFFFFFF, 0xFFFFFFFF
        encoded(block.tobytes(), base.tobytes())

    def test_more_or_fewer_bits_than_the_steps_have_are_refused(self, numbers) -> None:
        _, block, base = numbers("float32", 20_000)
        frame = encoded(block, base)
        assert parts(frame)[2]
        for hurt in (frame + b"\0", frame[:-1], frame[:-9]):
            with pytest.raises(IntegrityError):
                BINNED_DELTA.decode(hurt, len(block), FLOAT, [base])

    def test_a_symbol_without_meaning_is_refused(self) -> None:
        old = np.ones(600, np.float32).tobytes()
        for count, symbol, means in ((0, 239, True), (0, 240, False), (2, 241, True), (2, 242, False), (16, 255, True)):
            spikes = struct.pack(f"<{count}I", *range(count))
            symbols = bytes([symbol]) * 600
            below = bytes(28 * 600 // 8) if symbol == 239 else b""
            turned = bytes([(239 + 8 * 127) % 240]) * 600 if symbol == 239 else symbols
            frame = struct.pack("<BxxxI", count, 600) + spikes + turned + below
            if means:
                assert len(BINNED_DELTA.decode(frame, 2400, FLOAT, [old])) == 2400
            else:
                with pytest.raises(IntegrityError):
                    BINNED_DELTA.decode(frame, 2400, FLOAT, [old])

    @pytest.mark.parametrize("kind", ["float64", "bfloat16", "int32", "int8"])
    def test_other_kinds_are_left_to_others(self, numbers, kind: str) -> None:
        item, block, base = numbers(kind, 5000)
        assert BINNED_DELTA.encode(block, item, [base]) is None
        with pytest.raises(IntegrityError):
            BINNED_DELTA.decode(bytes(100), len(block), item, [base])
