"""Zstd frames are refused before anything is allocated for them."""

from __future__ import annotations

import pytest
import zstandard

from modelhub.errors import IntegrityError
from modelhub.store.codecs.zstd_frame import compress, decompress


def test_a_frame_that_declares_another_size_is_refused() -> None:
    bomb = compress(bytes(1 << 24), 3)
    with pytest.raises(IntegrityError, match="declares 16777216 bytes instead of 10"):
        decompress(bomb, 10)


def test_a_frame_without_a_size_is_refused() -> None:
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(b"a" * 100)
    with pytest.raises(IntegrityError):
        decompress(frame, 100)


def test_a_window_above_eight_mebibytes_is_refused() -> None:
    nbytes = (1 << 24) + 1
    wide = zstandard.ZstdCompressionParameters(window_log=25, compression_level=1)
    frame = zstandard.ZstdCompressor(compression_params=wide).compress(bytes(nbytes))
    with pytest.raises(IntegrityError):
        decompress(frame, nbytes)


@pytest.mark.parametrize("extra", [b"x", compress(b"second", 1)])
def test_bytes_behind_the_frame_are_refused(extra: bytes) -> None:
    with pytest.raises(IntegrityError):
        decompress(compress(b"a" * 100, 1) + extra, 100)
