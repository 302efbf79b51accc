"""The kind of number an object is made of: the only thing the store is told about a tensor."""

from __future__ import annotations

from msgspec import Struct

from modelhub.errors import InvalidInputError

BLOCK_ELEMENTS = 1 << 20
PLAIN_BLOCK_NBYTES = 1 << 22
MAX_BLOCK_NBYTES = 1 << 26

ITEM_NBYTES: dict[str, int] = {
    "bytes": 1,
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
}
"""Bytes of one item of each kind, in the order of their codes on disk.

Unsigned and boolean items count as intN, complex64 as float32, complex128 as float64, 8-bit floats as int8.
"""

ITEM_KINDS: tuple[str, ...] = tuple(ITEM_NBYTES)
FLOAT_KINDS: tuple[str, ...] = ("float64", "float32", "float16", "bfloat16")


def item_nbytes(kind: str) -> int:
    """Return the bytes of one item of this kind ("bytes": 1). Raises InvalidInputError for an unknown kind."""
    try:
        return ITEM_NBYTES[kind]
    except KeyError:
        raise InvalidInputError(
            f"'{kind}' is not a kind of item", hint=f"it is one of {', '.join(ITEM_KINDS)}"
        ) from None


class Item(Struct, frozen=True):
    """A hint for the codecs: `kind` is one of ITEM_KINDS, `nbytes` the width of one item (free only for "bytes")."""

    kind: str = "bytes"
    nbytes: int = 1

    def __post_init__(self) -> None:
        width = item_nbytes(self.kind)
        if self.kind != "bytes" and self.nbytes != width:
            raise InvalidInputError(f"an item of kind '{self.kind}' has {width} bytes, not {self.nbytes}")
        if not 1 <= self.nbytes <= 1 << 16:
            raise InvalidInputError(f"an item of {self.nbytes} bytes is not possible")

    @classmethod
    def of(cls, kind: str) -> Item:
        """Return the item of this kind with its natural width."""
        return cls(kind, item_nbytes(kind))

    @property
    def block_nbytes(self) -> int:
        """The bytes of one block: 1 Mi items, for plain bytes the whole items in 4 MiB."""
        if self.kind == "bytes":
            return PLAIN_BLOCK_NBYTES // self.nbytes * self.nbytes
        return self.nbytes * BLOCK_ELEMENTS


BYTES = Item()


class Rows(Struct, frozen=True):
    """Where the rows of a tensor begin in a block: each has `length` items, and the first lacks its first `lead`."""

    length: int = 0
    lead: int = 0


NO_ROWS = Rows()
