"""The codec zstd keeps the contract."""

from __future__ import annotations

from contracts.codec import CodecContract

from modelhub.store.codecs.zstd import ZSTD


class TestZstd(CodecContract):
    codec = ZSTD
