"""The staging index: the tree the next commit will have, with what `stat` said of each file when it was recorded.

Layout: docs/reference/format/index-file.md.
"""

from __future__ import annotations

import os
import time

import msgspec

from modelhub import files
from modelhub.errors import IntegrityError
from modelhub.oid import OID_DIGITS, oid_of
from modelhub.repository.layout import Layout
from modelhub.repository.objects import Entry, Mode

LEFT_OUT = -1
"""The inode of a link that checkout did not make: that it is not in the folder is no change."""

RACY_NS = 20_000_000
COARSE_NS = 2_000_000_000


class IndexEntry(msgspec.Struct, frozen=True, array_like=True):
    """A staged file. The stat fields are 0 where the file was not seen in the working tree."""

    mode: Mode
    oid: str
    size: int
    manifest: str | None = None
    mtime_ns: int = 0
    inode: int = 0
    ctime_ns: int = 0

    def entry(self) -> Entry:
        """The tree entry it will become."""
        return Entry(self.mode, self.oid, self.size, self.manifest)

    def same_content(self, other: Entry | IndexEntry | None) -> bool:
        """Tell whether both name the same bytes with the same mode."""
        return other is not None and self.oid == other.oid and self.mode == other.mode

    def seen(self, stat: os.stat_result) -> IndexEntry:
        """This entry with the stat of the file that holds it."""
        times = {"mtime_ns": stat.st_mtime_ns, "ctime_ns": stat.st_ctime_ns}
        return msgspec.structs.replace(self, inode=stat.st_ino, **times)


def left_out(entry: Entry) -> IndexEntry:
    """Return the index entry of a link that leads outside and was therefore not made."""
    return IndexEntry(entry.mode, entry.oid, entry.size, entry.manifest, 0, LEFT_OUT)


def staged(entry: Entry) -> IndexEntry:
    """Return the index entry of a file known only from a tree."""
    return IndexEntry(entry.mode, entry.oid, entry.size, entry.manifest)


class Index(msgspec.Struct, frozen=True):
    """All staged files by path, and when this was written (unix nanoseconds)."""

    entries: dict[str, IndexEntry] = {}
    written_ns: int = 0
    version: int = 1

    def unchanged(self, path: str, stat: os.stat_result) -> bool:
        """Tell from `stat` alone that a file still holds what is staged; False says nothing.

        As git does, a file touched at about the time the index was written is never taken as unchanged: it may have
        been changed again within one tick of the file system's clock. The time of the last change of any kind (ctime)
        counts too, for programs that give a new content the old mtime.
        """
        entry = self.entries.get(path)
        if entry is None or (entry.mtime_ns, entry.ctime_ns) != (stat.st_mtime_ns, stat.st_ctime_ns):
            return False
        if entry.inode != stat.st_ino:
            return False
        return entry.size == stat.st_size and all(
            moment + _tick(moment) < self.written_ns for moment in (entry.mtime_ns, entry.ctime_ns)
        )


def _tick(moment_ns: int) -> int:
    """How long a file's content may have changed on without another time; some clocks count whole seconds."""
    return COARSE_NS if moment_ns % 1_000_000_000 == 0 else RACY_NS


def read_index(layout: Layout) -> Index | None:
    """Return the index, None where there is none yet. Raises IntegrityError where it is damaged."""
    try:
        content = layout.index.read_bytes()
    except FileNotFoundError:
        return None
    body = content[OID_DIGITS + 1 :]
    if content[:OID_DIGITS].decode("ascii", "replace") == oid_of(body):
        try:
            return msgspec.msgpack.decode(body, type=Index)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    raise IntegrityError(
        f"the staging index '{layout.index}' is damaged", hint="'mh reset' makes it anew from the last commit"
    )


def write_index(layout: Layout, entries: dict[str, IndexEntry]) -> Index:
    """Replace the index durably. Only for the holder of the writer lock."""
    index = Index(dict(sorted(entries.items())), time.time_ns())
    body = msgspec.msgpack.encode(index)
    files.write_atomic(layout.index, oid_of(body).encode() + b"\n" + body, scratch=layout.scratch)
    return index
