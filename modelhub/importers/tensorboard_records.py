"""Read the records of a TFRecord file: each has its length and its content checked by a CRC-32C."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from modelhub.errors import StateError

MOST_RECORD_NBYTES = 256 << 20
READ_NBYTES = 1 << 20
_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")


def read_records(place: Path, warnings: list[str]) -> Iterator[bytes]:
    """Yield the content of every whole record.

    A file may end within a record, while it is written and after a crash. A record whose content is damaged is left
    out; where a length is damaged, reading ends. Each of that is told in `warnings`. Memory: one record.
    """
    value = _checksum()
    kept = damaged = position = 0
    ending = ""
    with open(place, "rb", buffering=READ_NBYTES) as source:
        while head := source.read(_HEAD.size):
            if len(head) < _HEAD.size:
                ending = "it ends within a record, as a file does that is being written"
                break
            nbytes, check = _HEAD.unpack(head)
            if masked(value(head[:8])) != check or nbytes > MOST_RECORD_NBYTES:
                ending = f"it is damaged at byte {position}"
                break
            content = source.read(nbytes)
            tail = source.read(_TAIL.size)
            if len(tail) < _TAIL.size:
                ending = "it ends within a record, as a file does that is being written"
                break
            position += _HEAD.size + nbytes + _TAIL.size
            if masked(value(content)) == _TAIL.unpack(tail)[0]:
                kept += 1
                yield content
            else:
                damaged += 1
    if damaged:
        warnings.append(f"'{place}': {_records(damaged)} damaged and left out, {_records(kept)} kept")
    if ending:
        warnings.append(f"'{place}': {ending}; the {_records(kept)} before that were kept")


def masked(crc: int) -> int:
    """Return a checksum in the form in which these files hold it."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _records(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'}"


def _checksum() -> Callable[[bytes], int]:
    try:
        from google_crc32c import value
    except ImportError:
        raise StateError(
            "TensorBoard's files are checked by CRC-32C, and nothing that computes it is installed",
            hint="pip install 'modelhub[import]'",
        ) from None
    checksum: Callable[[bytes], int] = value
    return checksum
