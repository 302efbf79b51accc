"""Cut large files into chunks where their content says so, so an insertion moves no later cut.

Rules: docs/reference/format/chunking.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal

from modelhub.errors import IntegrityError, InternalError
from modelhub.files import Bytes

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

MIN_NBYTES = 1 << 18
AVERAGE_NBYTES = 1 << 20
MAX_NBYTES = 1 << 22
SEED = 0
NORMALIZED: Literal[2] = 2

_WINDOW_NBYTES = 1 << 24


def chunk_spans(read: Callable[[int, int], Bytes], size: int) -> Iterator[tuple[int, int]]:
    """Yield (offset, nbytes) of every chunk of `size` bytes, in order and without a gap.

    `read(offset, nbytes)` gives the bytes. At most 16 MiB are in memory. The cuts depend on the content alone.
    Raises IntegrityError if `read` gives less than it was asked for.
    """
    start = 0
    while start < size:
        window = read(start, min(_WINDOW_NBYTES, size - start))
        if len(window) != min(_WINDOW_NBYTES, size - start):
            raise IntegrityError("the file changed while being read", hint="wait until it is written, then try again")
        last = start + len(window) == size
        done = 0
        for nbytes in _cuts(window):
            if not last and done + nbytes == len(window):
                break  # this cut may be the window's end and not the content's
            yield start + done, nbytes
            done += nbytes
        start += done


def _cuts(window: Bytes) -> Iterator[int]:
    return (chunk.length for chunk in _chunker().cut_buf(window))


@cache
def _chunker() -> FastCDC:
    import pyfastcdc

    if "cy" not in pyfastcdc.FastCDC.__module__:
        raise InternalError(
            "the compiled chunker is not installed",
            hint="install a wheel of pyfastcdc: without it cutting takes minutes",
        )
    return pyfastcdc.FastCDC(
        avg_size=AVERAGE_NBYTES, min_size=MIN_NBYTES, max_size=MAX_NBYTES, normalized_chunking=NORMALIZED, seed=SEED
    )
