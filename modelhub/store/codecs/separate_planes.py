"""Codec 9, separate planes: each byte plane of floats can be read and verified without those below it.

The planes come highest first and as they are: the top one holds sign and exponent, so that it alone bounds every
number. A header says where each lies and has a check of each, and the check of the block that the record has too: a
header of another block is noticed although the rest of the frame is never read. Layout:
docs/reference/format/codecs.md. Measurements: docs/design/012-reading-less.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from modelhub.errors import IntegrityError
from modelhub.files import Bytes
from modelhub.store.codecs import zstd_frame
from modelhub.store.codecs.byte_planes import LEVEL, join_planes, split_planes
from modelhub.store.codecs.number_bits import EXPONENT_SHIFT, Words, as_bytes, words
from modelhub.store.codecs.packed_integers import pack, unpack_into
from modelhub.store.entry import CHECK_NBYTES, check_of
from modelhub.store.item import NO_ROWS, Item, Rows

RAW, ZSTD, PACKED = range(3)
"""How a plane is stored."""

_PACK_LEVEL = 10
_PLANE = struct.Struct("<IB3s8s")
_SPARE = bytes(3)

Read = Callable[[int, int], Bytes]
"""Gives so many bytes of a frame from an offset on."""


class _Plane(Struct, frozen=True):
    """Where one plane lies in the frame, and how."""

    offset: int
    nbytes: int
    form: int
    check: bytes


class SeparatePlanes(Struct, frozen=True):
    """Stores the planes of floats of 2, 4 or 8 bytes, each as small as it gets by itself."""

    id: int = 9
    name: str = "separate planes"
    bases: int = 0

    def encode(self, block: Bytes, item: Item, bases: Sequence[Bytes], rows: Rows = NO_ROWS) -> Bytes | None:
        """Return the header and the planes, highest first, if that is smaller than the block."""
        if item.kind not in EXPONENT_SHIFT or not len(block) or len(block) % item.nbytes:
            return None
        stored = [_stored(plane) for plane in reversed(split_planes(block, _as_bytes_of(item)))]
        table = b"".join(_PLANE.pack(len(part), form, _SPARE, check_of(part)) for form, part in stored)
        head = check_of(block) + table
        frame = b"".join((head, check_of(head), *(part for _, part in stored)))
        return frame if len(frame) < len(block) else None

    def decode(self, frame: Bytes, nbytes: int, item: Item, bases: Sequence[Bytes]) -> Bytes:
        """Return the floats put together from their planes."""
        view = memoryview(frame)
        planes = _read_table(view[: head_nbytes(item)], len(view), nbytes, item)[1]
        count = nbytes // item.nbytes
        found = [_plane(view[one.offset : one.offset + one.nbytes], one, count) for one in planes]
        return as_bytes(join_planes(found[::-1], _as_bytes_of(item)))


def head_nbytes(item: Item) -> int:
    """Return how many bytes of a frame say where its planes are."""
    return 2 * CHECK_NBYTES + _PLANE.size * item.nbytes


def decode_top(read: Read, frame_nbytes: int, nbytes: int, item: Item, *, top: int, block_check: bytes) -> Bytes:
    """Return a block whose items have their `top` high-order bytes, and zeros below.

    Reads the header and those planes, nothing else; all of it is verified, and that it belongs to the block with this
    check. Raises IntegrityError.
    """
    head = read(0, min(head_nbytes(item), frame_nbytes))
    found, planes = _read_table(memoryview(head), frame_nbytes, nbytes, item)
    if found != block_check:
        raise IntegrityError("its planes are those of another block")
    wanted, count = planes[:top], nbytes // item.nbytes
    begin = wanted[0].offset
    data = memoryview(read(begin, sum(one.nbytes for one in wanted)))
    known: list[Words] = []
    for one in wanted:
        part = data[one.offset - begin : one.offset - begin + one.nbytes]
        if check_of(part) != one.check:
            raise IntegrityError("a plane does not match its checksum")
        known.append(_plane(part, one, count))
    zeros = [np.zeros(count, np.uint8)] * (item.nbytes - len(known))
    return as_bytes(join_planes([*zeros, *known[::-1]], _as_bytes_of(item)))


def _as_bytes_of(item: Item) -> Item:
    """Return the item whose planes are not rotated: the sign stays in the top one."""
    return Item("bytes", item.nbytes)


def _stored(plane: Words) -> tuple[int, Bytes]:
    """Return the smallest form of a plane. Where zstd cannot shrink it, pcodec is not asked: it never gained there."""
    raw = as_bytes(plane)
    packed = zstd_frame.compress(raw, LEVEL)
    if len(packed) >= len(raw):
        return RAW, raw
    return min((ZSTD, packed), (PACKED, pack(plane, _PACK_LEVEL)), key=lambda one: len(one[1]))


def _plane(part: memoryview, one: _Plane, count: int) -> Words:
    """Return the bytes of a plane. Raises IntegrityError."""
    if one.form == ZSTD:
        return words(zstd_frame.decompress(part, count), 1)
    if one.form == PACKED:
        plane = np.empty(count, np.uint8)
        unpack_into(bytes(part), plane)
        return plane
    if one.form != RAW or len(part) != count:
        raise IntegrityError("a plane is stored in a way that does not fit it")
    return words(part, 1)


def _read_table(head: memoryview, frame_nbytes: int, nbytes: int, item: Item) -> tuple[bytes, list[_Plane]]:
    """Return the check of the block and where its planes lie, highest first. Raises IntegrityError."""
    if item.kind not in EXPONENT_SHIFT or nbytes % item.nbytes or len(head) < head_nbytes(item):
        raise IntegrityError("the planes of a block do not fit its items")
    table, check = head[:-CHECK_NBYTES], bytes(head[-CHECK_NBYTES:])
    if check_of(table) != check:
        raise IntegrityError("the table of planes does not match its checksum")
    planes, at = [], len(head)
    for length, form, spare, one_check in _PLANE.iter_unpack(table[CHECK_NBYTES:]):
        if spare != _SPARE or form > PACKED:
            raise IntegrityError("a plane is stored in a way that is not known here")
        planes.append(_Plane(at, length, form, one_check))
        at += length
    if at != frame_nbytes:
        raise IntegrityError("the plane lengths of a block are damaged")
    return bytes(table[:CHECK_NBYTES]), planes


SEPARATE_PLANES = SeparatePlanes()
