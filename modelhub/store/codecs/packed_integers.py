"""Arrays of unsigned integers packed by pcodec: smooth distributions close to their entropy."""

from __future__ import annotations

from functools import cache

from pcodec import ChunkConfig, DeltaSpec, ModeSpec, PagingSpec, standalone

from modelhub.errors import IntegrityError
from modelhub.store.codecs.number_bits import Words

LEVEL = 6
SMALL_LEVEL = 8
"""For what may take its time."""

MOST_CHUNK_BITS = 18


@cache
def _config(level: int) -> ChunkConfig:
    """A level more allows twice the bins, which are worth storing for twice the elements; fewer are sorted faster."""
    chunk_bits = min(level + 9, MOST_CHUNK_BITS)
    return ChunkConfig(
        compression_level=level,
        mode_spec=ModeSpec.classic(),
        delta_spec=DeltaSpec.no_op(),
        paging_spec=PagingSpec.equal_pages_up_to(1 << chunk_bits),
        enable_8_bit=True,
    )


def pack(values: Words, level: int = LEVEL) -> bytes:
    """Return a pcodec standalone file (https://github.com/pcodec/pcodec/blob/main/docs/format.md) of the values."""
    return bytes(standalone.simple_compress(values, _config(level)))


def unpack_into(packed: bytes, values: Words) -> None:
    """Fill a contiguous array with exactly the packed values, of the same type. Raises IntegrityError."""
    if (found := unpack_some(packed, values)) != values.size:
        raise IntegrityError(f"a packed block holds {found} numbers instead of {values.size}")


def unpack_some(packed: bytes, values: Words) -> int:
    """Write the packed values, all of which must have room, to the front of a contiguous array; return their number.

    Raises IntegrityError for anything else. pcodec reports damage by exceptions of several kinds, Rust panics (which
    are no `Exception`) among them.
    """
    try:
        progress = standalone.simple_decompress_into(packed, values)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise IntegrityError(f"a packed block is damaged: {error}") from None
    if not progress.finished:
        raise IntegrityError(f"a packed block holds more than {values.size} numbers")
    return int(progress.n_processed)
