"""Walk a zip file strictly: one reading only, or none. Nothing is ever decompressed.

Layout: PKWARE APPNOTE 4.3. Where the standard allows two readers to see two different archives, this one refuses: the
entries must fill the file from its first byte to the central directory, and each entry's own header must say what the
central directory says.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from modelhub.formats.extent import Source, refusal

MAX_ENTRIES = 100_000
MAX_NAME_NBYTES = 4096
MAX_DIRECTORY_NBYTES = 64 << 20

STORED = 0
DEFLATED = 8

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<4sIQI")
_HAS_DESCRIPTOR = 0x0008
_UTF8 = 0x0800
# Flags that say how hard a deflating writer tried; anything else (encryption, patches, masked headers) is refused.
_HARMLESS_FLAGS = _HAS_DESCRIPTOR | _UTF8 | 0x0006
_FULL32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the archive. `offset` and `nbytes` say where its content lies as it is stored."""

    name: str
    method: int
    offset: int
    nbytes: int
    content_nbytes: int

    @property
    def is_stored(self) -> bool:
        """Whether the content lies there as it is, not compressed."""
        return self.method == STORED


@dataclass(frozen=True, slots=True)
class _Central:
    raw_name: bytes
    flags: int
    method: int
    crc: int
    nbytes: int
    content_nbytes: int
    header_offset: int
    at: int


@dataclass(frozen=True, slots=True)
class CheckedMember:
    """One stored member of an archive: where its content lies, and every place that has its CRC-32 (little-endian)."""

    offset: int
    nbytes: int
    places: tuple[int, ...]


def checked_members(source: Source, what: str) -> list[CheckedMember]:
    """List the members that are not compressed with the places of their checksums, for who changes their content.

    Raises UnsupportedModelFile as `walk_zip`, which must have been content with the archive.
    """
    start, nbytes, count = _find_directory(source, what)
    found = []
    for central in _read_directory(source.read(start, nbytes), count, what):
        fields = _LOCAL.unpack(source.read(central.header_offset, _LOCAL.size))
        offset = central.header_offset + _LOCAL.size + fields[-2] + fields[-1]
        places = [start + central.at + 16]
        if fields[6] or not central.flags & _HAS_DESCRIPTOR:
            places.append(central.header_offset + 14)
        if central.flags & _HAS_DESCRIPTOR:
            places.append(offset + central.nbytes + 4)
        if central.method == STORED:
            found.append(CheckedMember(offset, central.nbytes, tuple(places)))
    return found


def walk_zip(source: Source, what: str) -> dict[str, Entry]:
    """List the entries by name, in file order; raises UnsupportedModelFile for every archive with two readings.

    Cost: reads the directory and the head of each entry; the content is not touched.
    """
    start, nbytes, count = _find_directory(source, what)
    directory = _read_directory(source.read(start, nbytes), count, what)
    directory.sort(key=lambda entry: entry.header_offset)
    starts = [central.header_offset for central in directory] + [start]
    if starts[0]:
        raise refusal(f"{what}: the zip has a hole at 0")
    entries: dict[str, Entry] = {}
    for central, end in zip(directory, starts[1:], strict=True):
        entry = _check_local(source, central, end=end, what=what)
        if entry.name in entries:
            raise refusal(f"{what}: the zip holds '{entry.name}' twice")
        entries[entry.name] = entry
    return entries


def _find_directory(source: Source, what: str) -> tuple[int, int, int]:
    """Return where the central directory starts, its bytes, and how many entries it holds."""
    size = source.size
    if size < _END.size or source.read(0, 2) != b"PK":
        raise refusal(f"{what}: not a zip file, or a truncated one")
    end_at = size - _END.size
    magic, disk, disk_start, here, count, nbytes, start, comment = _END.unpack(source.read(end_at, _END.size))
    if magic != b"PK\x05\x06" or comment:
        raise refusal(f"{what}: the file does not end with the end of a zip directory (truncated, or bytes were added)")
    locator_at = end_at - _LOCATOR64.size
    if locator_at >= 0 and source.read(locator_at, 4) == b"PK\x06\x07":
        start, nbytes, count = _directory64(source, locator_at, what, (start, nbytes, count))
        end_at = start + nbytes
    elif here != count or disk or disk_start or _FULL32 in (start, nbytes):
        raise refusal(f"{what}: the zip is one of several parts, or its end is damaged")
    if start + nbytes != end_at:
        raise refusal(f"{what}: the zip directory does not end where the file's end says")
    if count > MAX_ENTRIES or nbytes > MAX_DIRECTORY_NBYTES:
        raise refusal(f"{what}: {count} entries in a directory of {nbytes} bytes are more than allowed ({MAX_ENTRIES})")
    return start, nbytes, count


def _directory64(source: Source, locator_at: int, what: str, narrow: tuple[int, int, int]) -> tuple[int, int, int]:
    _, disk, record_at, disks = _LOCATOR64.unpack(source.read(locator_at, _LOCATOR64.size))
    if disk or disks != 1 or record_at + _END64.size != locator_at:
        raise refusal(f"{what}: the zip64 end of the directory is not where it should be")
    record = _END64.unpack(source.read(record_at, _END64.size))
    magic, record_nbytes, _, _, disk, disk_start, here, count, nbytes, start = record
    if magic != b"PK\x06\x06" or record_nbytes != _END64.size - 12 or disk or disk_start or here != count:
        raise refusal(f"{what}: the zip64 end of the directory is damaged")
    if start + nbytes != record_at:
        raise refusal(f"{what}: the zip directory does not end where the file's end says")
    for narrow_value, value, full in zip(narrow, (start, nbytes, count), (_FULL32, _FULL32, 0xFFFF), strict=True):
        if narrow_value not in (value, full):
            raise refusal(f"{what}: the two ends of the zip directory contradict each other")
    return start, nbytes, count


def _read_directory(data: bytes, count: int, what: str) -> list[_Central]:
    if count * _CENTRAL.size > len(data):
        raise refusal(f"{what}: the zip directory is too short for {count} entries")
    entries: list[_Central] = []
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(data):
            raise refusal(f"{what}: the zip directory is truncated")
        entry, position = _central(data, position, what)
        entries.append(entry)
    if position != len(data):
        raise refusal(f"{what}: {len(data) - position} bytes in the zip directory belong to no entry")
    return entries


def _central(data: bytes, position: int, what: str) -> tuple[_Central, int]:
    fields = _CENTRAL.unpack_from(data, position)
    magic, _, _, flags, method, _, _, crc, nbytes, content, name_n, extra_n, comment_n, disk, _, _, header = fields
    name_at = position + _CENTRAL.size
    end = name_at + name_n + extra_n + comment_n
    if magic != b"PK\x01\x02" or end > len(data) or disk not in (0, 0xFFFF):
        raise refusal(f"{what}: the zip directory is damaged at {position}")
    raw_name = data[name_at : name_at + name_n]
    if flags & ~_HARMLESS_FLAGS:
        raise refusal(f"{what}: zip entry '{_shown(raw_name)}' is encrypted or uses a feature no model file needs")
    if method not in (STORED, DEFLATED):
        raise refusal(f"{what}: zip entry '{_shown(raw_name)}' uses compression method {method}")
    wide = _zip64(data[name_at + name_n : name_at + name_n + extra_n], (content, nbytes, header), what)
    content, nbytes, header = wide
    if method == STORED and nbytes != content:
        raise refusal(f"{what}: zip entry '{_shown(raw_name)}' is stored with {nbytes} bytes but claims {content}")
    return _Central(raw_name, flags, method, crc, nbytes, content, header, position), end


def _zip64(extra: bytes, narrow: tuple[int, ...], what: str) -> tuple[int, ...]:
    """Replace each full 32-bit value by the next 64-bit one of the zip64 extra field."""
    wide: list[int] | None = None
    position = 0
    while position < len(extra):
        if position + 4 > len(extra):
            break
        kind, nbytes = struct.unpack_from("<HH", extra, position)
        if position + 4 + nbytes > len(extra):
            raise refusal(f"{what}: an extra field of a zip entry is damaged")
        if kind == 1:
            if wide is not None:
                raise refusal(f"{what}: a zip entry gives its sizes twice")
            body = extra[position + 4 : position + 4 + nbytes]
            wide = [value for (value,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        position += 4 + nbytes
    if wide is None and _FULL32 in narrow:
        raise refusal(f"{what}: a zip entry does not say how large it is")
    return tuple(_widen(value, wide or [], what) for value in narrow)


def _widen(value: int, wide: list[int], what: str) -> int:
    if value != _FULL32:
        return value
    if not wide:
        raise refusal(f"{what}: a zip entry does not say how large it is")
    return wide.pop(0)


def _check_local(source: Source, central: _Central, *, end: int, what: str) -> Entry:
    """Compare an entry's own header with the directory and prove that it ends exactly at `end`."""
    shown = _shown(central.raw_name)
    at = central.header_offset
    if at + _LOCAL.size > end:
        raise refusal(f"{what}: zip entry '{shown}' overlaps the next one")
    fields = _LOCAL.unpack(source.read(at, _LOCAL.size))
    magic, _, flags, method, _, _, crc, nbytes, content, name_n, extra_n = fields
    offset = at + _LOCAL.size + name_n + extra_n
    if magic != b"PK\x03\x04" or offset + central.nbytes > end:
        raise refusal(
            f"{what}: zip entry '{shown}' ends at {offset + central.nbytes}, after the next one starts at {end}"
        )
    names = source.read(at + _LOCAL.size, name_n + extra_n)
    if (flags, method, names[:name_n]) != (central.flags, central.method, central.raw_name):
        raise refusal(f"{what}: zip entry '{shown}' has one header that contradicts the other")
    known = (central.content_nbytes, central.nbytes, central.crc)
    if flags & _HAS_DESCRIPTOR:
        early = (content, nbytes, crc) in ((0, 0, 0), known) or (content, nbytes) == (_FULL32, _FULL32)
        agreed = early and _descriptor_agrees(source, central, offset, end)
    else:
        agreed = (*_zip64(names[name_n:], (content, nbytes), what), crc) == known
        if agreed and offset + central.nbytes != end:
            raise refusal(f"{what}: the zip has a hole at {offset + central.nbytes}, after entry '{shown}'")
    if not agreed:
        raise refusal(f"{what}: the sizes of zip entry '{shown}' contradict each other")
    return Entry(_decode(central, what), central.method, offset, central.nbytes, central.content_nbytes)


def _descriptor_agrees(source: Source, central: _Central, offset: int, end: int) -> bool:
    """Whether the record after the content, 16 or 24 bytes, fills the place up to `end` and repeats the directory."""
    at = offset + central.nbytes
    pattern = {16: "<4sIII", 24: "<4sIQQ"}.get(end - at)
    if pattern is None:
        return False
    found = struct.unpack(pattern, source.read(at, end - at))
    return found == (b"PK\x07\x08", central.crc, central.nbytes, central.content_nbytes)


def _decode(central: _Central, what: str) -> str:
    raw = central.raw_name
    try:
        name = raw.decode("utf-8" if central.flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        raise refusal(f"{what}: the name of zip entry '{_shown(raw)}' is not text") from None
    if not name or len(raw) > MAX_NAME_NBYTES or "\0" in name:
        raise refusal(f"{what}: a zip entry has an impossible name of {len(raw)} bytes")
    return name


def _shown(raw_name: bytes) -> str:
    return raw_name[:200].decode("utf-8", "backslashreplace")
