"""The frames of a run's log: one note, one list of names, or one set of points each.

Layout: docs/reference/format/run-log.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from zlib import crc32

from modelhub.errors import FormatError

MAGIC = b"\x89MHL\r\n\x1a\n"
VERSION = 1

NOTE, NAMES, POINTS = 0, 1, 2

HEAD = struct.Struct("<8sII")
FRAME = struct.Struct("<II")
POINTS_NBYTES = 17
"""Of a points payload without its points: kind, step, time."""

POINT_NBYTES = 12

Pack = Callable[..., bytes]


def log_head() -> bytes:
    """Return the bytes that a log begins with."""
    return HEAD.pack(MAGIC, VERSION, 0)


def frame(kind: int, body: bytes) -> bytes:
    """Return one frame."""
    payload = bytes((kind,)) + body
    return FRAME.pack(len(payload), crc32(payload)) + payload


def points_packer(count: int) -> Pack:
    """Return what packs the payload of points: (POINTS, step, time, the numbers' bytes, value, value ...)."""
    return struct.Struct(f"<Bqq{4 * count}s{count}d").pack


def pack_numbers(numbers: list[int]) -> bytes:
    """Return series numbers as a points payload has them."""
    return struct.pack(f"<{len(numbers)}I", *numbers)


def check_head(data: bytes) -> bool:
    """Tell whether a log's first bytes are all there. Raises FormatError where they are another's."""
    magic = data[: len(MAGIC)]
    if magic != MAGIC[: len(magic)]:
        raise FormatError("this is not the log of a run")
    if len(data) < HEAD.size:
        return False
    _, version, features = HEAD.unpack_from(data)
    if version != VERSION or features:
        raise FormatError(
            f"the log has version {version} (features {features:#x}), this mh reads {VERSION}",
            hint="upgrade modelhub: pip install -U modelhub",
        )
    return True


def read_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the end and the payload of every frame up to the first that is cut short or damaged."""
    unpack, crc, size = FRAME.unpack_from, crc32, len(data)
    at = HEAD.size
    while at + 8 <= size:
        nbytes, check = unpack(data, at)
        start, at = at + 8, at + 8 + nbytes
        payload = data[start:at]
        if at > size or crc(payload) != check or not nbytes:
            return
        yield at, payload
