"""Single zstd frames whose declared size is checked before anything is decompressed."""

from __future__ import annotations

import threading

import zstandard

from modelhub.errors import IntegrityError
from modelhub.files import Bytes

MAX_WINDOW_NBYTES = 1 << 23

_contexts = threading.local()


def compress(data: Bytes, level: int) -> bytes:
    """Return one zstd frame (RFC 8878) with its content size declared and no checksum."""
    compressors: dict[int, zstandard.ZstdCompressor] | None = getattr(_contexts, "compressors", None)
    if compressors is None:
        compressors = _contexts.compressors = {}
    if level not in compressors:
        compressors[level] = zstandard.ZstdCompressor(level=level, write_checksum=False)
    return compressors[level].compress(data)


def compress_symbols(data: Bytes) -> bytes:
    """As `compress`, of bytes that hardly ever repeat in a row: their frequencies are all that is made use of."""
    found: zstandard.ZstdCompressor | None = getattr(_contexts, "symbols", None)
    if found is None:
        how = zstandard.ZstdCompressionParameters.from_level(1, hash_log=6, min_match=7, write_checksum=False)
        found = _contexts.symbols = zstandard.ZstdCompressor(compression_params=how)
    return found.compress(data)


def decompress(frame: Bytes, nbytes: int) -> bytes:
    """Return the content of one frame, which must declare exactly `nbytes` bytes.

    Raises IntegrityError for another size, a window above 8 MiB, a dictionary, trailing bytes or damage. Allocates
    nothing before the declared size was compared.
    """
    try:
        declared = zstandard.get_frame_parameters(frame)
        if declared.content_size != nbytes or declared.dict_id or declared.window_size > MAX_WINDOW_NBYTES:
            raise IntegrityError(f"a zstd frame declares {declared.content_size} bytes instead of {nbytes}")
        content = _decompressor().decompress(frame, max_output_size=nbytes, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a zstd frame is damaged: {error}") from None
    if len(content) != nbytes:
        raise IntegrityError(f"a zstd frame holds {len(content)} bytes instead of {nbytes}")
    return content


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = getattr(_contexts, "decompressor", None)
    if found is None:
        found = _contexts.decompressor = zstandard.ZstdDecompressor()
    return found
