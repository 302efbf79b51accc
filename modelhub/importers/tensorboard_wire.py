"""The little of protobuf that TensorBoard's events need: the fields of one message, the numbers of one tensor."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from modelhub.errors import FormatError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_SHIFT = 63

Field = tuple[int, int, int | bytes]
"""Number, wire type, and the varint or the bytes."""

_CODES = {
    1: "f", 2: "d", 3: "i", 4: "B", 5: "h", 6: "b", 9: "q", 10: "?", 17: "H", 19: "e", 22: "I", 23: "Q",
}  # fmt: skip
_BFLOAT16, _HALF, _STRING = 14, 19, 7
_FLOAT_FIELDS = {5: "f", 6: "d"}
_INTEGER_FIELDS = frozenset({7, 10, 11, 16, 17})
_HALF_FIELD = 13


def fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a message in order. Raises FormatError where it is malformed."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, position = _varint(data, position)
            yield number, wire, value
            continue
        if wire == BYTES:
            nbytes, position = _varint(data, position)
        elif wire == FIXED64:
            nbytes = 8
        elif wire == FIXED32:
            nbytes = 4
        else:
            raise FormatError(f"a field of wire type {wire} is in no event")
        stop = position + nbytes
        if stop > end:
            raise FormatError("a field is longer than its message")
        yield number, wire, data[position:stop]
        position = stop


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
            if shift > MOST_SHIFT:
                raise FormatError("a number is longer than 64 bits")
    except IndexError:
        raise FormatError("a message ends within a number") from None


def signed(value: int) -> int:
    """Return a varint as the signed number of 64 bits that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def double(data: bytes) -> float:
    """Return 8 bytes as the number they are. Raises FormatError for more or fewer."""
    if len(data) != 8:
        raise FormatError(f"a number has {len(data)} bytes")
    number: float = struct.unpack("<d", data)[0]
    return number


def text(data: int | bytes) -> str:
    """Return the bytes of a field as text."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)


def message(data: int | bytes) -> bytes:
    """Return a field's content as that of a message. Raises FormatError where it is a number."""
    if isinstance(data, int):
        raise FormatError("a number is where a message belongs")
    return data


class TensorValue:
    """A tensor of an event: its numbers or texts, where there are few."""

    def __init__(self, data: bytes) -> None:
        self.numbers: list[float] = []
        self.texts: list[str] = []
        self._code = 0
        self._half: list[int] = []
        content = b""
        for number, wire, value in fields(data):
            if number == 1 and isinstance(value, int):
                self._code = value
            elif number == 4:
                content = message(value)
            elif number == 8:
                self.texts.append(text(value))
            elif number in _FLOAT_FIELDS or number in _INTEGER_FIELDS or number == _HALF_FIELD:
                self._take(number, wire, value)
        if content:
            self.numbers = _unpack(self._code, content)
        elif self._half:
            self.numbers = _unpack(
                self._code, struct.pack(f"<{len(self._half)}H", *(one & 0xFFFF for one in self._half))
            )

    def _take(self, number: int, wire: int, value: int | bytes) -> None:
        """Take values from a typed field, packed or not."""
        code = _FLOAT_FIELDS.get(number)
        if code is not None:
            data = message(value)
            count = len(data) // struct.calcsize(code)
            self.numbers += struct.unpack(f"<{count}{code}", data[: count * struct.calcsize(code)])
            return
        found = [value] if isinstance(value, int) else list(_packed(value))
        if number == _HALF_FIELD:
            self._half += found
        else:
            unsigned = number in (16, 17)
            self.numbers += [float(one if unsigned else signed(one)) for one in found]

    @property
    def is_text(self) -> bool:
        """Tell whether it holds texts."""
        return self._code == _STRING


def _packed(data: bytes) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _unpack(code: int, content: bytes) -> list[float]:
    if code == _BFLOAT16:
        count = len(content) // 2
        words = struct.unpack(f"<{count}H", content[: count * 2])
        return list(struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(word << 16 for word in words))))
    letter = _CODES.get(code)
    if letter is None:
        return []
    size = struct.calcsize(letter)
    count = len(content) // size
    return [float(one) for one in struct.unpack(f"<{count}{letter}", content[: count * size])]
