"""Split a pickle into its operations, for the binary opcodes a checkpoint needs and no others.

Opcodes: the comments of Lib/pickletools.py, protocols 2 to 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from modelhub.formats.extent import refusal

MAX_OPS = 3_000_000
MAX_NAME_NBYTES = 512
MAX_INTEGER_NBYTES = 32

# opcode byte -> (name, how its argument is written)
_OPCODES: dict[int, tuple[str, str]] = {
    ord(code): (name, argument)
    for code, name, argument in (
        ("\x80", "PROTO", "u1"),
        ("\x95", "FRAME", "u8"),
        (".", "STOP", ""),
        ("(", "MARK", ""),
        ("0", "POP", ""),
        ("1", "POP_MARK", ""),
        ("}", "EMPTY_DICT", ""),
        ("]", "EMPTY_LIST", ""),
        (")", "EMPTY_TUPLE", ""),
        ("\x8f", "EMPTY_SET", ""),
        ("N", "NONE", ""),
        ("\x88", "NEWTRUE", ""),
        ("\x89", "NEWFALSE", ""),
        ("J", "NUMBER", "i4"),
        ("K", "NUMBER", "u1"),
        ("M", "NUMBER", "u2"),
        ("\x8a", "NUMBER", "long1"),
        ("G", "NUMBER", "f8"),
        ("X", "CONSTANT", "text4"),
        ("\x8c", "CONSTANT", "text1"),
        ("\x8d", "CONSTANT", "text8"),
        ("T", "CONSTANT", "latin4"),
        ("U", "CONSTANT", "latin1"),
        ("B", "CONSTANT", "bytes4"),
        ("C", "CONSTANT", "bytes1"),
        ("\x8e", "CONSTANT", "bytes8"),
        ("\x96", "CONSTANT", "bytes8"),
        ("t", "TUPLE", ""),
        ("\x85", "TUPLE1", ""),
        ("\x86", "TUPLE2", ""),
        ("\x87", "TUPLE3", ""),
        ("l", "LIST", ""),
        ("d", "DICT", ""),
        ("\x91", "FROZENSET", ""),
        ("a", "APPEND", ""),
        ("e", "APPENDS", ""),
        ("s", "SETITEM", ""),
        ("u", "SETITEMS", ""),
        ("\x90", "ADDITEMS", ""),
        ("q", "PUT", "u1"),
        ("r", "PUT", "u4"),
        ("\x94", "MEMOIZE", ""),
        ("h", "GET", "u1"),
        ("j", "GET", "u4"),
        ("c", "GLOBAL", "lines"),
        ("\x93", "STACK_GLOBAL", ""),
        ("Q", "BINPERSID", ""),
        ("R", "REDUCE", ""),
        ("\x81", "NEWOBJ", ""),
        ("b", "BUILD", ""),
    )
}
_FIXED = {
    code: struct.Struct("<" + letter)
    for code, letter in (("u1", "B"), ("u2", "H"), ("u4", "I"), ("u8", "Q"), ("i4", "i"))
}
_FIXED["f8"] = struct.Struct(">d")
_LENGTHS = {"1": _FIXED["u1"], "4": _FIXED["u4"], "8": _FIXED["u8"]}


def read_opcodes(data: bytes, what: str) -> Iterator[tuple[str, object]]:
    """Yield (name, argument) for each operation up to STOP, which must be the last byte.

    Raises UnsupportedModelFile for other opcodes, truncation, trailing bytes, and more than MAX_OPS operations.
    """
    position = 0
    for _ in range(MAX_OPS):
        if position >= len(data):
            raise refusal(f"{what}: the pickle has no end (truncated?)")
        known = _OPCODES.get(data[position])
        if known is None:
            raise refusal(
                f"{what}: the pickle uses opcode 0x{data[position]:02x} at {position}, which no checkpoint needs"
            )
        name, argument = known
        value, position = _argument(data, position + 1, argument, what) if argument else (None, position + 1)
        yield name, value
        if name == "STOP":
            break
    else:
        raise refusal(f"{what}: the pickle has more than {MAX_OPS} operations")
    if position != len(data):
        raise refusal(f"{what}: {len(data) - position} bytes follow the end of the pickle")


def _argument(data: bytes, position: int, argument: str, what: str) -> tuple[object, int]:
    fixed = _FIXED.get(argument)
    if fixed is not None:
        _need(data, position, fixed.size, what)
        return fixed.unpack_from(data, position)[0], position + fixed.size
    if argument == "lines":
        return _symbol_lines(data, position, what)
    length_field = _LENGTHS[argument[-1]]
    _need(data, position, length_field.size, what)
    start = position + length_field.size
    nbytes = length_field.unpack_from(data, position)[0]
    _need(data, start, nbytes, what)
    return _decode(data[start : start + nbytes], argument[:-1], what), start + nbytes


def _decode(raw: bytes, kind: str, what: str) -> object:
    if kind == "long":
        if len(raw) > MAX_INTEGER_NBYTES:
            raise refusal(f"{what}: the pickle holds an integer of {len(raw)} bytes")
        return int.from_bytes(raw, "little", signed=True)
    if kind == "bytes":
        return raw
    try:
        return raw.decode("utf-8" if kind == "text" else "latin-1")
    except UnicodeDecodeError:
        raise refusal(f"{what}: the pickle holds text that is not UTF-8") from None


def _symbol_lines(data: bytes, position: int, what: str) -> tuple[tuple[str, str], int]:
    words: list[str] = []
    for _ in range(2):
        end = data.find(b"\n", position, position + MAX_NAME_NBYTES + 1)
        if end < 0:
            raise refusal(f"{what}: the pickle holds a name without end at {position}")
        words.append(data[position:end].decode("utf-8", "backslashreplace"))
        position = end + 1
    return (words[0], words[1]), position


def _need(data: bytes, position: int, nbytes: int, what: str) -> None:
    if position + nbytes > len(data):
        raise refusal(f"{what}: the pickle wants {nbytes} bytes at {position} but has {len(data)} (truncated?)")
