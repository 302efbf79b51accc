"""The codec byte_planes keeps the contract."""

from __future__ import annotations

from contracts.codec import CodecContract

from modelhub.store.codecs.byte_planes import BYTE_PLANES
from modelhub.store.item import Item


class TestBytePlanes(CodecContract):
    codec = BYTE_PLANES

    def test_weights_shrink(self, numbers) -> None:
        for kind, most in (("float32", 0.9), ("bfloat16", 0.8), ("float16", 0.95)):
            item, block, _ = numbers(kind, 200_000)
            frame = BYTE_PLANES.encode(block, item, [])
            assert frame is not None
            assert len(frame) < most * len(block)

    def test_block_quantised_items_are_split_by_their_width(self) -> None:
        block = b"".join(bytes([number % 3, 200, number * 7 % 256]) for number in range(5000))
        self.round_trip(block, Item("bytes", 3), [])
        assert BYTE_PLANES.encode(block, Item("bytes", 3), []) is not None
