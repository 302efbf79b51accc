"""Read the stretches of a file ahead of who stores them, and hash each of them and the whole, on threads of their own.

So a second core has something to do while the first one begins; every byte is read once, unless a stretch is too long
to be held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from operator import itemgetter

from blake3 import blake3
from msgspec import Struct

from modelhub.formats.extent import Source
from modelhub.repository.worktree import READ_NBYTES
from modelhub.store.ordered_map import ordered_map

Read = Callable[[int, int], bytes]

HELD_NBYTES = 1 << 23
"""Longer stretches are not held; together as many bytes are read ahead, beside the stretch that is being stored."""

AT_ONCE_NBYTES = 1 << 16
"""So few bytes are hashed sooner than they are handed to another thread."""


class Stretch(Struct, frozen=True):
    """Some bytes of the file: the id they have as an object, and `read(offset, nbytes)`, which counts from their start.

    `is_held`: they lie in memory as they were hashed.
    """

    oid: str
    read: Read
    is_held: bool


class FileDigest:
    """The hash of a file, whose bytes come in their order: on a thread of its own, at most one piece behind."""

    def __init__(self) -> None:
        self._digest = blake3()
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[object] | None = None

    def add(self, data: bytes) -> None:
        """Take in the next bytes."""
        self._wait()
        if len(data) <= AT_ONCE_NBYTES:
            self._digest.update(data)
        else:
            self._pending = self._pool.submit(self._digest.update, data)

    def hexdigest(self) -> str:
        """Return the hash of all that was added, in hexadecimal."""
        self._wait()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Stop the thread."""
        self._pool.shutdown()

    def _wait(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()


class ReadAhead:
    """Reads stretches, given as (offset, nbytes), in their order. For one thread, which alone asks for them."""

    def __init__(self, reader: Source, whole: FileDigest) -> None:
        self._reader = reader
        self._whole = whole
        self._pool = ThreadPoolExecutor(1)
        self._is_closed = False

    def read(self, stretches: Iterable[tuple[int, int]]) -> Iterator[Stretch]:
        """Yield these stretches, whose bytes go to the whole in this order. Raises as reading does, when asked for it.

        To be used up before others are read.
        """
        return ordered_map(self._pool, self._read, stretches, weigh=itemgetter(1), budget=HELD_NBYTES)

    def close(self) -> None:
        """Stop reading, after the piece that is being read."""
        self._is_closed = True
        self._pool.shutdown(cancel_futures=True)

    def _read(self, stretch: tuple[int, int]) -> Stretch:
        offset, nbytes = stretch
        digest, pieces = blake3(), []
        is_held = nbytes <= HELD_NBYTES
        for start in range(0, nbytes, READ_NBYTES):
            if self._is_closed:
                break
            data = self._reader.read(offset + start, min(READ_NBYTES, nbytes - start))
            self._whole.add(data)
            digest.update(data)
            if is_held:
                pieces.append(data)
        return Stretch(digest.hexdigest(), self._held(pieces) if is_held else self._again(offset), is_held)

    def _again(self, begin: int) -> Read:
        return lambda offset, nbytes: self._reader.read(begin + offset, nbytes)

    def _held(self, pieces: Sequence[bytes]) -> Read:
        def read(offset: int, nbytes: int) -> bytes:
            first, begin = divmod(offset, READ_NBYTES)
            if nbytes and begin + nbytes <= len(pieces[first]):
                return pieces[first][begin : begin + nbytes]
            some = pieces[first : -(-(offset + nbytes) // READ_NBYTES)]
            return b"".join(some)[begin : begin + nbytes]

        return read
