"""A position in a source that only moves inside its bounds: little-endian integers, varints and runs of bytes."""

from __future__ import annotations

import struct

from modelhub.formats.extent import Source, refusal

WINDOW_NBYTES = 1 << 16


class _Window:
    """The bytes read last, shared by the cursors over one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.start = 0
        self.data = b""

    def read(self, start: int, nbytes: int) -> bytes:
        """Read bytes that are known to be there."""
        at = start - self.start
        if at < 0 or at + nbytes > len(self.data):
            if nbytes >= WINDOW_NBYTES:
                return self.source.read(start, nbytes)
            self.data = self.source.read(start, min(WINDOW_NBYTES, self.source.size - start))
            self.start, at = start, 0
        return self.data[at : at + nbytes]


class Cursor:
    """Reads forward through `source[start:end]`, a small window at a time; skipping costs nothing.

    Every length is compared with what is left before anything is read or allocated; `what` opens each error message.
    """

    def __init__(self, source: Source, what: str) -> None:
        self.what = what
        self.position = 0
        self.end = source.size
        self._window = _Window(source)

    def within(self, start: int, end: int) -> Cursor:
        """Return a cursor over a part that lies inside the source, sharing what was read."""
        inner = object.__new__(Cursor)
        inner.what = self.what
        inner.position = start
        inner.end = end
        inner._window = self._window
        return inner

    @property
    def left(self) -> int:
        """Bytes before the end."""
        return self.end - self.position

    def need(self, nbytes: int, thing: str) -> None:
        """Raise UnsupportedModelFile unless this many bytes are left."""
        if nbytes < 0 or nbytes > self.left:
            raise refusal(
                f"{self.what}: {thing} needs {nbytes} bytes at {self.position} but {self.left} are left (truncated?)"
            )

    def skip(self, nbytes: int, thing: str) -> int:
        """Step over bytes; return the offset where they start."""
        self.need(nbytes, thing)
        start = self.position
        self.position += nbytes
        return start

    def take(self, nbytes: int, thing: str) -> bytes:
        """Read bytes."""
        return self._window.read(self.skip(nbytes, thing), nbytes)

    def u8(self, thing: str) -> int:
        """Read one byte."""
        return self.take(1, thing)[0]

    def u32(self, thing: str) -> int:
        """Read 4 bytes, little-endian."""
        return int.from_bytes(self.take(4, thing), "little")

    def u64(self, thing: str) -> int:
        """Read 8 bytes, little-endian."""
        return int.from_bytes(self.take(8, thing), "little")

    def number(self, code: str, thing: str) -> int | float | bool:
        """Read one number of a `struct` code, little-endian."""
        value: int | float | bool = struct.unpack("<" + code, self.take(struct.calcsize(code), thing))[0]
        return value

    def varint(self, thing: str) -> int:
        """Read a protobuf varint: 7 bits a byte, least first, at most 10 bytes and 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8(thing)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >= 1 << 64:
                    break
                return value
        raise refusal(f"{self.what}: {thing} at {self.position} is a number longer than 64 bits")
