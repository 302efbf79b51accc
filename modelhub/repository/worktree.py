"""The working tree: which files lie in the folder, and what bytes they hold now."""

from __future__ import annotations

import errno
import os
import stat as stats
from io import FileIO
from pathlib import Path

from blake3 import blake3
from msgspec import Struct

from modelhub.errors import StateError, UnsafePath
from modelhub.oid import oid_of
from modelhub.repository.ignore import ALWAYS, IGNORE_FILE, IgnoreRules
from modelhub.repository.index import Index
from modelhub.repository.names import MAX_DEPTH
from modelhub.repository.objects import Mode

READ_NBYTES = 1 << 22


class WorkFile(Struct, frozen=True):
    """A file, or a symbolic link, in the working tree."""

    path: str
    stat: os.stat_result

    @property
    def mode(self) -> Mode:
        """What a tree records of its mode."""
        return mode_of(self.stat)


def mode_of(stat: os.stat_result) -> Mode:
    """Return the mode a tree records: git's three, not the full permission bits."""
    if stats.S_ISLNK(stat.st_mode):
        return "link"
    return "exec" if stat.st_mode & 0o100 else "file"


def scan(root: Path, tracked: Index) -> dict[str, WorkFile]:
    """Return every file of the working tree that is tracked or not ignored, by path. Cost: one stat a file."""
    found: dict[str, WorkFile] = {}
    folders = {path.rpartition("/")[0] for path in tracked.entries}
    for folder in list(folders):
        while folder:
            folder = folder.rpartition("/")[0]
            folders.add(folder)
    _scan_folder(root, "", _Tracked(tracked, folders), IgnoreRules(), found)
    return found


class _Tracked(Struct, frozen=True):
    index: Index
    folders: set[str]


def _scan_folder(root: Path, prefix: str, tracked: _Tracked, rules: IgnoreRules, found: dict[str, WorkFile]) -> None:
    if prefix.count("/") > MAX_DEPTH:
        raise UnsafePath(
            f"'{prefix[:60]}…' lies more than {MAX_DEPTH} folders deep", hint="name a folder above it in .mhignore"
        )
    try:
        entries = list(os.scandir(root / prefix))
    except PermissionError:
        raise StateError(
            f"the folder '{prefix or root}' cannot be read", hint="check its rights, or name it in .mhignore"
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        return
    if any(entry.name == IGNORE_FILE and entry.is_file() for entry in entries):
        rules = rules.below(prefix, _read_rules(root / prefix / IGNORE_FILE))
    for entry in entries:
        if entry.name in ALWAYS or (entry.name.startswith(".mh-") and entry.name.endswith(".tmp")):
            continue
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            ignored = path not in tracked.folders and rules.ignores(path, folder=True)
            if not ignored:
                _scan_folder(root, path + "/", tracked, _inside(path, rules), found)
        elif path in tracked.index.entries or not rules.ignores(path, folder=False):
            _add_file(entry, path, found)


def _read_rules(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StateError(f"'{path}' cannot be read: {error.strerror}", hint="check its rights") from None


def _inside(path: str, rules: IgnoreRules) -> IgnoreRules:
    """Below an ignored folder that holds tracked files everything else stays ignored."""
    return rules.below(path + "/", "*") if rules.ignores(path, folder=True) else rules


def _add_file(entry: os.DirEntry[str], path: str, found: dict[str, WorkFile]) -> None:
    try:
        stat = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if stats.S_ISREG(stat.st_mode) or stats.S_ISLNK(stat.st_mode):
        found[path] = WorkFile(path, stat)


def look(root: Path, path: str) -> WorkFile | None:
    """Return one file of the working tree; None where there is none, or where a folder on the way is a link."""
    place = root
    for part in path.split("/")[:-1]:
        place = place / part
        if place.is_symlink():
            return None
    try:
        stat = os.lstat(root / path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stats.S_ISREG(stat.st_mode) or stats.S_ISLNK(stat.st_mode):
        return WorkFile(path, stat)
    return None


def content_oid(root: Path, file: WorkFile) -> str:
    """Return the BLAKE3 of a file's bytes, or of a link's target. Memory: a few MB whatever the size."""
    if file.mode == "link":
        return oid_of(os.fsencode(os.readlink(root / file.path)))
    digest = blake3(max_threads=blake3.AUTO) if file.stat.st_size > READ_NBYTES else blake3()
    with open_for_reading(root / file.path) as handle:
        while block := handle.read(READ_NBYTES):
            digest.update(block)
    return digest.hexdigest()


def open_for_reading(path: Path) -> FileIO:
    """Open a file, never through a link. Raises StateError where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        raise StateError(f"'{path}' cannot be read", hint="check its rights, or name it in .mhignore") from None
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        raise StateError(f"'{path}' vanished while it was about to be read", hint="try again") from None
    return FileIO(descriptor, "rb")


def holds(root: Path, index: Index, file: WorkFile, oid: str, mode: Mode) -> bool:
    """Tell whether a file in the working tree holds exactly these bytes with this mode; reads it only if it must."""
    if file.mode != mode:
        return False
    entry = index.entries.get(file.path)
    if index.unchanged(file.path, file.stat):
        return entry is not None and entry.oid == oid
    return content_oid(root, file) == oid
