"""The byte layout of packs, pack indexes and multi-pack indexes. Specification: docs/reference/format/pack.md."""

from __future__ import annotations

import struct

from msgspec import Struct

PACK_MAGIC = b"\x89MHP\r\n\x1a\n"
INDEX_MAGIC = b"\x89MHI\r\n\x1a\n"
MULTI_MAGIC = b"\x89MHM\r\n\x1a\n"

FOOTER_ROW = struct.Struct("<32sQQB7x")
TRAILER = struct.Struct("<QIxxxx16s32s")
TRAILER_START = struct.Struct("<QIxxxx")
HASH_NBYTES = 32

INDEX_HEAD = struct.Struct("<32sIxxxx")
FANOUT = struct.Struct("<256I")

MULTI_HEAD = struct.Struct("<IIQ")
MULTI_BUCKET = struct.Struct("<I8s")
MULTI_ROW = struct.Struct("<32sIQQB")
NAME_NBYTES = 20


class Row(Struct, frozen=True):
    """Where one object lies in a pack: offset and length of its entry, and its kind as a number on disk."""

    oid: bytes
    offset: int
    nbytes: int
    kind: int


def pack_name(pack_hash: bytes) -> str:
    """Return the name of a pack, without suffix: its content decides it."""
    return f"pack-{pack_hash[:NAME_NBYTES].hex()}"
