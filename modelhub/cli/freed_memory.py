"""What becomes of memory that a command has freed. Only for `mh`: in another program it is not ours to say."""

from __future__ import annotations

import contextlib
import sys

MOVES_MODELS = frozenset(
    {"add", "checkout", "commit", "export", "fsck", "merge", "repack", "reset", "restore", "switch"}
)
"""The commands that make room for one block of a model after the other."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of <malloc.h>
_KEPT_NBYTES = 1 << 30
_LARGEST_BLOCK_NBYTES = 1 << 25


def keep_freed_memory() -> None:
    """Let glibc use freed memory for the next block, instead of giving it back to be cleared and mapped once more.

    A process that ends soon has no need to give back. Saves a twentieth of a commit. Elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK_NBYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_NBYTES)
