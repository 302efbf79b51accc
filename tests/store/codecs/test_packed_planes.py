"""Packed planes keep the contract and come below byte planes."""

from __future__ import annotations

from contracts.codec import CodecContract

from modelhub.store.codecs.byte_planes import BYTE_PLANES
from modelhub.store.codecs.packed_planes import PACKED_PLANES


class TestPackedPlanes(CodecContract):
    codec = PACKED_PLANES

    def test_floats_take_less_than_in_byte_planes(self, numbers) -> None:
        for kind in ("float64", "float32", "bfloat16", "float16"):
            item, block, _ = numbers(kind, 200_000)
            packed, planes = PACKED_PLANES.encode(block, item, []), BYTE_PLANES.encode(block, item, [])
            assert packed is not None
            assert planes is not None
            assert len(packed) < len(planes)

    def test_integers_are_not_its_own(self, numbers) -> None:
        item, block, _ = numbers("int32", 5000)
        assert PACKED_PLANES.encode(block, item, []) is None
