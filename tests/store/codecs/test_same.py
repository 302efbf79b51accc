"""The codec same keeps the contract."""

from __future__ import annotations

from contracts.codec import CodecContract

from modelhub.store.codecs.same import SAME


class TestSame(CodecContract):
    codec = SAME
