"""Make hostile zip archives: each is a file that two readers could see differently, or that asks for too much."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable

PICKLE = (
    b"\x80\x02}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs."
)
NUMBERS = b"\0" * 16
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
MEMBERS = {"m/data.pkl": PICKLE, "m/data/0": NUMBERS, "m/version": b"3\n"}


def archive(members: dict[str, bytes] | list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as file:
        warnings.simplefilter("ignore")
        for name, data in members.items() if isinstance(members, dict) else members:
            file.writestr(name, data)
    return buffer.getvalue()


def sound() -> bytes:
    return archive(MEMBERS)


def checkpoint(pickle: bytes, storages: dict[str, bytes] | None = None) -> bytes:
    """A torch zip around a pickle of one's own."""
    entries = {"m/data.pkl": pickle, "m/data/0": NUMBERS}
    return archive(entries | {f"m/data/{key}": data for key, data in (storages or {}).items()})


def changed(offset_of: bytes, shift: int, new: bytes, *, last: bool = False) -> bytes:
    """The sound archive with bytes changed at a place relative to the first or last signature."""
    data = bytearray(sound())
    at = (data.rindex(offset_of) if last else data.index(offset_of)) + shift
    data[at : at + len(new)] = new
    return bytes(data)


def wide() -> bytes:
    """A sound archive as torch writes one beyond 4 GiB: sizes after the content and in the zip64 fields only."""
    body, directory = b"", b""
    for name, data in MEMBERS.items():
        raw, at = name.encode(), len(body)
        check = zlib.crc32(data)
        body += struct.pack("<4sHHHHHIIIHH", LOCAL, 45, 8, 0, 0, 0, 0, 0, 0, len(raw), 6) + raw + b"FB\x02\x00ZZ"
        body += data + struct.pack("<4sIQQ", b"PK\x07\x08", check, len(data), len(data))
        extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), at)
        full = 0xFFFFFFFF
        fields = (CENTRAL, 45, 45, 8, 0, 0, 0, check, full, full, len(raw), len(extra), 0, 0, 0, 0, full)
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", *fields) + raw + extra
    start, end, count = len(body), len(body) + len(directory), len(MEMBERS)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    return body + directory + record + locator + struct.pack("<4sHHHHIIH", END, 0, 0, count, count, full, full, 0)


def hole() -> bytes:
    """Bytes between the entries that no entry owns, with the directory's offsets moved."""
    data = sound()
    at = data.index(LOCAL, 1)
    gap = b"hidden!!"
    moved = bytearray(data[:at] + gap + data[at:])
    position = moved.index(CENTRAL)
    for number in range(len(MEMBERS)):
        if number:
            struct.pack_into("<I", moved, position + 42, struct.unpack_from("<I", moved, position + 42)[0] + len(gap))
        position += 46 + sum(struct.unpack_from("<HHH", moved, position + 28))
    end = moved.index(END)
    struct.pack_into("<I", moved, end + 16, struct.unpack_from("<I", moved, end + 16)[0] + len(gap))
    return bytes(moved)


def overlap() -> bytes:
    """Two names over the same bytes: the directory's second entry points at the first one's header."""
    data = bytearray(sound())
    second = data.index(CENTRAL, data.index(CENTRAL) + 1)
    struct.pack_into("<I", data, second + 42, 0)
    return bytes(data)


def two_directories() -> bytes:
    """A second directory in front of the one the file's end points at."""
    data = sound()
    start = data.index(CENTRAL)
    end = data.index(END)
    moved = bytearray(data[:end] + data[start:])
    struct.pack_into("<I", moved, len(moved) - 6, end)
    return bytes(moved)


def two_zips() -> bytes:
    return sound() + sound()


def lying_zip64() -> bytes:
    """A zip64 end that names another directory than the plain end does."""
    data = sound()
    end = data.index(END)
    count, nbytes, start = struct.unpack_from("<HII", data, end + 10)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count - 1, count - 1, nbytes, start)
    return data[:end] + record + struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1) + data[end:]


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "prepended bytes": (lambda: b"PK\x03\x04" + sound(), "directory does not end"),
    "prepended script": (lambda: b"#!/bin/sh\n" + sound(), "not a checkpoint"),
    "trailing bytes": (lambda: sound() + b"\0", "does not end with"),
    "comment": (lambda: sound()[:-2] + b"\x03\x00abc", "does not end with"),
    "duplicate names": (lambda: archive([*MEMBERS.items(), ("m/data/0", b"other bytes here")]), "twice"),
    "two pickles": (lambda: archive(MEMBERS | {"n/data.pkl": PICKLE}), "2 'data.pkl'"),
    "stray member": (lambda: archive(MEMBERS | {"n/evil": b""}), "outside the archive's folder"),
    "parent member": (lambda: archive(MEMBERS | {"../evil": b""}), "outside the archive's folder"),
    "deflated pickle": (lambda: archive(MEMBERS, zipfile.ZIP_DEFLATED), "compressed"),
    "bzip2": (lambda: archive(MEMBERS, zipfile.ZIP_BZIP2), "compression method 12"),
    "encrypted": (lambda: changed(CENTRAL, 8, b"\x01\x00"), "encrypted"),
    "masked headers": (lambda: changed(CENTRAL, 8, b"\x00\x20"), "feature no model file needs"),
    "local name differs": (lambda: changed(LOCAL, 30, b"n"), "contradicts"),
    "local method differs": (lambda: changed(LOCAL, 8, b"\x08"), "contradicts"),
    "local size differs": (lambda: changed(LOCAL, 18, b"\x01"), "contradict"),
    "local checksum differs": (lambda: changed(LOCAL, 14, b"\x01\x02\x03\x04"), "contradict"),
    "central size too large": (
        lambda: changed(CENTRAL, 20, b"\xf0\xff\xff\x00\xf0\xff\xff\x00"),
        "after the next one starts",
    ),
    "central offset far away": (lambda: changed(CENTRAL, 42, b"\xf0\xff\xff\x7f"), "hole at 0"),
    "stored with two sizes": (lambda: changed(CENTRAL, 24, b"\x01\x00\x00\x00"), "claims"),
    "size left out": (lambda: changed(CENTRAL, 20, b"\xff\xff\xff\xff"), "how large"),
    "hole": (hole, "hole"),
    "overlap": (overlap, "overlap"),
    "two directories": (two_directories, "hole at"),
    "two zips": (two_zips, "directory does not end"),
    "lying zip64": (lying_zip64, "contradict"),
    "count too large": (lambda: changed(END, 8, b"\xff\xff\xff\xff", last=True), "too short"),
    "several disks": (lambda: changed(END, 4, b"\x01", last=True), "several parts"),
    "directory outside": (lambda: changed(END, 16, b"\xff\xff\xff\x0f", last=True), "directory does not end"),
    "long name": (lambda: archive(MEMBERS | {"m/" + "x" * 5000: b""}), "impossible name"),
}
