"""The entry of one object, the same in packs and in loose files: frames, then a record that describes them.

Layout: docs/reference/format/pack.md.
"""

from __future__ import annotations

import struct
from itertools import accumulate

from blake3 import blake3
from msgspec import Struct

from modelhub.errors import FormatError, IntegrityError
from modelhub.files import Bytes
from modelhub.oid import KINDS
from modelhub.store.item import ITEM_KINDS, MAX_BLOCK_NBYTES, Item
from modelhub.store.stored_file import Stored, check_range

HEADER = struct.Struct("<8sII")
VERSION = 1
MAGIC_LENGTH = 8

RECORD = struct.Struct("<32sBBBBIQII")
FRAME = struct.Struct("<IBxxx8s8s")
TAIL = struct.Struct("<I4s16s")
TAIL_MAGIC = b"MHe1"
CHECK_NBYTES = 8
BASE_FLAG = 1
BASES_FLAG = 2
OID_NBYTES = 32

BASE = struct.Struct("<32sII")
MOST_BASES = 2

_GLANCE = 4096

DAMAGE_HINT = "run 'mh fsck --full' to see what is affected"


class Frame(Struct, frozen=True):
    """One stored block: its codec and length, and the checks of its stored and of its decoded bytes."""

    codec: int
    nbytes: int
    stored_check: bytes
    block_check: bytes


class Base(Struct, frozen=True):
    """An object that a delta builds on, and how its content is read for that.

    `rows`, where not 0: it is a matrix of so many rows and its transpose is meant. `is_converted`: its items are of
    another kind of number and are converted to the delta's (`codecs.conversion`).
    """

    oid: str
    rows: int = 0
    is_converted: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the content is taken as it is."""
        return not self.rows and not self.is_converted


class Record(Struct, frozen=True):
    """What an entry says about its object. `size` and `block_nbytes` are in bytes; `bases` are at most two."""

    oid: str
    kind: str
    item: Item
    size: int
    block_nbytes: int
    bases: tuple[Base, ...]
    depth: int
    frames: tuple[Frame, ...]

    @property
    def payload_nbytes(self) -> int:
        """The length of all frames together."""
        return sum(frame.nbytes for frame in self.frames)

    def block_size(self, index: int) -> int:
        """Return the decoded length of block `index`."""
        return min(self.block_nbytes, self.size - index * self.block_nbytes)


class Entry(Struct, frozen=True):
    """A record and where its frames lie: `starts` are the file offsets of the frames, `payload` their bytes if read."""

    record: Record
    source: Stored
    starts: tuple[int, ...]
    stored_nbytes: int
    payload: bytes | None = None

    def frame(self, index: int) -> Bytes:
        """Return the stored bytes of one block, checked. Raises IntegrityError naming the object and the place."""
        data = self.unchecked_frame(index)
        if check_of(data) != self.record.frames[index].stored_check:
            raise self.damaged(f"block {index} does not match its checksum")
        return data

    def unchecked_frame(self, index: int) -> Bytes:
        """Return the stored bytes of one block, for a caller who checks what they decode to."""
        return self.part(index, 0, self.record.frames[index].nbytes)

    def part(self, index: int, offset: int, nbytes: int) -> Bytes:
        """Return some of the stored bytes of one block, for a caller who checks them. Raises IntegrityError outside."""
        if offset + nbytes > self.record.frames[index].nbytes:
            raise self.damaged(f"block {index} is shorter than it says")
        if self.payload is None:
            return self.source.read_at(self.starts[index] + offset, nbytes)
        begin = self.starts[index] - self.starts[0] + offset
        return memoryview(self.payload)[begin : begin + nbytes]

    def damaged(self, problem: str) -> IntegrityError:
        """Return the error for damage of this entry, which names the object and the place."""
        return IntegrityError(
            f"object {self.record.oid} in {self.source.name} is damaged: {problem}",
            hint=DAMAGE_HINT,
        )


def check_of(data: Bytes) -> bytes:
    """Return the check of stored or decoded bytes: the first 8 bytes of their BLAKE3."""
    return blake3(data).digest(CHECK_NBYTES)


def header(magic: bytes) -> bytes:
    """Return the 16 bytes that begin a file of the store: magic, version, required features (none yet)."""
    return HEADER.pack(magic, VERSION, 0)


def check_header(data: bytes, magic: bytes, name: str) -> None:
    """Raise IntegrityError for a foreign file, FormatError for one written by a newer version."""
    if len(data) < HEADER.size:
        raise IntegrityError(f"{name} is damaged: it is too short")
    found, version, features = HEADER.unpack_from(data)
    if found != magic:
        raise IntegrityError(f"{name} is damaged: it does not begin as it should")
    if version != VERSION or features:
        raise FormatError(
            f"{name} has format version {version} with features {features:#x}, which are not known here",
            hint="it was written by a newer modelhub: upgrade to read it",
        )


def encode_record(record: Record) -> bytes:
    """Return the record and the tail that follow an entry's frames."""
    is_simple = len(record.bases) == 1 and record.bases[0].is_plain
    flags = BASE_FLAG if is_simple else BASES_FLAG if record.bases else 0
    parts = [
        RECORD.pack(
            bytes.fromhex(record.oid),
            1 + KINDS.index(record.kind),
            ITEM_KINDS.index(record.item.kind),
            record.depth,
            flags,
            record.item.nbytes,
            record.size,
            record.block_nbytes,
            len(record.frames),
        ),
        bytes.fromhex(record.bases[0].oid) if is_simple else _encode_bases(record.bases),
        *(FRAME.pack(frame.nbytes, frame.codec, frame.stored_check, frame.block_check) for frame in record.frames),
    ]
    data = b"".join(parts)
    return data + TAIL.pack(len(data), TAIL_MAGIC, blake3(data).digest(16))


def record_nbytes(bases: tuple[Base, ...], frames: int) -> int:
    """Return the bytes of record and tail of an entry with these bases and so many frames."""
    is_simple = len(bases) == 1 and bases[0].is_plain
    named = OID_NBYTES if is_simple else len(_encode_bases(bases))
    return RECORD.size + named + frames * FRAME.size + TAIL.size


def read_entry(source: Stored, offset: int, nbytes: int) -> Entry:
    """Read the record of the entry that lies at these bytes.

    Costs one read for entries up to 4 KiB, which then hold their frames, and for records up to that length; two
    otherwise. Raises IntegrityError where it does not hold together, FormatError where a newer version wrote it.
    """
    check_range(source.name, source.size, offset, nbytes)
    glance = min(nbytes, _GLANCE)
    end = source.read_at(offset + nbytes - glance, glance)
    if glance < TAIL.size:
        raise _damaged(source, "an entry is too short")
    length, magic, check = TAIL.unpack_from(end, glance - TAIL.size)
    if magic != TAIL_MAGIC or length + TAIL.size > nbytes or length < RECORD.size:
        raise _damaged(source, "an entry does not end as it should")
    if length + TAIL.size > glance:
        end = source.read_at(offset + nbytes - TAIL.size - length, length + TAIL.size)
    data = end[-TAIL.size - length : -TAIL.size]
    if blake3(data).digest(16) != check:
        raise _damaged(source, "a record does not match its checksum")
    record = _decode_record(data, source)
    payload_nbytes = nbytes - TAIL.size - length
    if record.payload_nbytes != payload_nbytes:
        raise _damaged(source, "the frames of an entry do not fill it")
    starts = tuple(accumulate((frame.nbytes for frame in record.frames), initial=offset))
    return Entry(record, source, starts, nbytes, end[:payload_nbytes] if nbytes <= glance else None)


def _decode_record(data: bytes, source: Stored) -> Record:
    oid, kind, item_kind, depth, flags, item_nbytes, size, block_nbytes, count = RECORD.unpack_from(data)
    if not 1 <= kind <= len(KINDS) or item_kind >= len(ITEM_KINDS) or flags not in (0, BASE_FLAG, BASES_FLAG):
        raise FormatError(
            f"{source.name} holds an object of a kind that is not known here",
            hint="it was written by a newer modelhub: upgrade to read it",
        )
    bases, at = _decode_bases(data, flags, source)
    if len(data) != at + count * FRAME.size or not 1 <= block_nbytes <= MAX_BLOCK_NBYTES:
        raise _damaged(source, "a record does not hold together")
    if count != -(-size // block_nbytes) or bool(bases) != bool(depth):
        raise _damaged(source, "a record does not hold together")
    frames = tuple(Frame(codec, nbytes, one, two) for nbytes, codec, one, two in FRAME.iter_unpack(data[at:]))
    try:
        item = Item(ITEM_KINDS[item_kind], item_nbytes)
    except ValueError:
        raise _damaged(source, "a record does not hold together") from None
    return Record(oid.hex(), KINDS[kind - 1], item, size, block_nbytes, bases, depth, frames)


def _encode_bases(bases: tuple[Base, ...]) -> bytes:
    if not bases:
        return b""
    rows = [BASE.pack(bytes.fromhex(base.oid), base.rows, int(base.is_converted)) for base in bases]
    return b"".join((len(bases).to_bytes(4, "little"), *rows))


def _decode_bases(data: bytes, flags: int, source: Stored) -> tuple[tuple[Base, ...], int]:
    """Return the bases that a record names, and where what follows them begins."""
    at = RECORD.size
    if flags == BASE_FLAG:
        return (Base(data[at : at + OID_NBYTES].hex()),), at + OID_NBYTES
    if not flags:
        return (), at
    count = int.from_bytes(data[at : at + 4], "little")
    end = at + 4 + count * BASE.size
    if not 1 <= count <= MOST_BASES or end > len(data):
        raise _damaged(source, "a record does not hold together")
    found = [(oid.hex(), rows, converted) for oid, rows, converted in BASE.iter_unpack(data[at + 4 : end])]
    if any(converted > 1 for _, _, converted in found):
        raise FormatError(
            f"{source.name} holds a delta of a kind that is not known here",
            hint="it was written by a newer modelhub: upgrade to read it",
        )
    return tuple(Base(oid, rows, bool(converted)) for oid, rows, converted in found), end


def _damaged(source: Stored, problem: str) -> IntegrityError:
    return IntegrityError(f"{source.name} is damaged: {problem}", hint=DAMAGE_HINT)
