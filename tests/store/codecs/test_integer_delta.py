"""The integer deltas keep the contract and reach the sizes they are there for."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from contracts.codec import CodecContract

from modelhub.errors import IntegrityError
from modelhub.store import loops
from modelhub.store.codecs.byte_planes import BYTE_PLANES
from modelhub.store.codecs.integer_delta import GROUPED_DELTA, MIN_GROUP_ELEMENTS, PLAIN_DELTA
from modelhub.store.codecs.number_bits import slabs
from modelhub.store.codecs.packed_integers import unpack_into
from modelhub.store.item import Item


class TestPlainDelta(CodecContract):
    codec = PLAIN_DELTA


class TestGroupedDelta(CodecContract):
    codec = GROUPED_DELTA

    def test_a_training_step_costs_less_than_half_of_the_planes(self, numbers) -> None:
        for kind in ("float32", "bfloat16"):
            item, block, base = numbers(kind, 300_000)
            delta, planes = GROUPED_DELTA.encode(block, item, [base]), BYTE_PLANES.encode(block, item, [])
            assert delta is not None
            assert planes is not None
            assert len(delta) < 0.7 * len(planes)

    def test_grouping_beats_one_group(self, numbers) -> None:
        item, block, base = numbers("float32", 300_000)
        grouped, plain = GROUPED_DELTA.encode(block, item, [base]), PLAIN_DELTA.encode(block, item, [base])
        assert grouped is not None
        assert plain is not None
        assert len(grouped) < len(plain)

    def test_small_groups_are_merged(self, numbers) -> None:
        item, block, base = numbers("float32", MIN_GROUP_ELEMENTS - 1)
        frame = GROUPED_DELTA.encode(block, item, [base])
        assert frame is not None
        assert struct.unpack_from("<HB", frame) == (1, 255)

    def test_a_group_of_several_keys_has_one_piece_after_the_other(self, numbers) -> None:
        item, block, base = numbers("float32", 300_000)
        frame = GROUPED_DELTA.encode(block, item, [base])
        assert frame is not None
        new, old = (np.frombuffer(part, np.uint32) for part in (block, base))
        count = int.from_bytes(frame[:2], "little")
        at, low = 2 + 8 * count, 0
        for top, nbytes in struct.iter_unpack("<BxxxI", frame[2:at]):
            wanted = []
            for piece in slabs(new.size):
                keys = (old[piece] >> 23 & 255).astype(np.uint8)
                order = np.argsort(keys, kind="stable")
                within = order[(keys[order] >= low) & (keys[order] <= top)]
                wanted.append(np.empty(within.size, np.uint32))
                loops.step(new[piece][within], old[piece][within], wanted[-1], 4, True)
            found = np.empty(sum(map(len, wanted)), np.uint32)
            unpack_into(frame[at : at + nbytes], found)
            assert np.array_equal(found, np.concatenate(wanted))
            at, low = at + nbytes, top + 1
        assert at == len(frame)

    def test_integers_are_not_grouped(self, numbers) -> None:
        item, block, base = numbers("int32", 5000)
        assert GROUPED_DELTA.encode(block, item, [base]) is None
        with pytest.raises(IntegrityError):
            GROUPED_DELTA.decode(b"", len(block), item, [base])

    def test_decoding_in_another_order_than_encoding_gives_the_same(self, numbers) -> None:
        cases = [numbers("float32", 20_000, seed=seed) for seed in range(3)]
        frames = [GROUPED_DELTA.encode(block, item, [base]) for item, block, base in cases]
        for frame, (item, block, base) in reversed(list(zip(frames, cases, strict=True))):
            assert frame is not None
            assert bytes(GROUPED_DELTA.decode(frame, len(block), item, [base])) == block

    @pytest.mark.parametrize(
        "table", [b"", b"\0\0", b"\1\0", struct.pack("<HBxxxI", 1, 254, 0), b"\xff\xff" + bytes(99)]
    )
    def test_an_inconsistent_group_table_is_refused(self, table: bytes) -> None:
        with pytest.raises(IntegrityError):
            GROUPED_DELTA.decode(table, 8, Item.of("float32"), [bytes(8)])
