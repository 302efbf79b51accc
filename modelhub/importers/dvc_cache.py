"""Find files in DVC's caches by their MD5, in the layout of version 3 and the one before, and check them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import md5
from io import FileIO
from pathlib import Path

from modelhub.errors import FormatError
from modelhub.importers.dvc_files import Tracked, read_listing
from modelhub.importers.kept_files import KeptFile, KeptFolder, digest_of
from modelhub.repository.objects import Mode

CONFIG_FILES = ("config", "config.local")
MOST_LISTING_NBYTES = 1 << 28
TEXT_NBYTES = 512
CONVERTED_NBYTES = 1 << 20

_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_DIGITS = frozenset("0123456789abcdef")


class DvcCache:
    """The caches of one work tree, with local folders that are set as remotes. `given` are looked at first."""

    def __init__(self, work_tree: Path | None, given: Iterable[Path]) -> None:
        self._work_tree = work_tree
        self._folders: dict[Path, None] = {}
        for folder in given:
            self._folders[folder] = None
        self._looked_at: set[str] = set()

    def look_near(self, folder: str) -> None:
        """Add the caches of DVC projects at a folder of the work tree and above it."""
        while self._work_tree is not None and folder not in self._looked_at:
            self._looked_at.add(folder)
            project = self._work_tree / folder / ".dvc"
            if project.is_dir():
                self._folders |= dict.fromkeys(_storage_of(project))
            folder = folder.rpartition("/")[0]

    def find(self, tracked: Tracked) -> KeptFile | KeptFolder:
        """Return a tracked file or folder. A folder whose listing is missing is a missing file."""
        if tracked.listing:
            told = {item.path: self._file(item.md5, item) for item in tracked.listing}
            key = md5("\n".join(f"{path} {file.key}" for path, file in told.items()).encode(), usedforsecurity=False)
            return KeptFolder(f"listing:{key.hexdigest()}", lambda: told)
        if not tracked.md5.endswith(".dir"):
            return self._file(tracked.md5, tracked)
        if self._place(tracked.md5) is None:
            return KeptFile(f"md5:{tracked.md5}", None, None, _never)
        return KeptFolder(f"md5:{tracked.md5}", lambda: self._files_of(tracked))

    def _files_of(self, tracked: Tracked) -> dict[str, KeptFile] | None:
        listing = self._read_listing(tracked.md5)
        if listing is None:
            return None
        one = Tracked("", "", None, tracked.converted, executable=False, is_metric=False)
        return {path: self._file(digits, one) for path, digits in listing.items()}

    def _file(self, digits: str, tracked: Tracked) -> KeptFile:
        mode: Mode = "exec" if tracked.executable else "file"
        size = None if tracked.converted else tracked.size
        return KeptFile(
            f"md5:{digits}", size, self._place(digits), lambda handle: _has_md5(handle, digits, tracked.converted), mode
        )

    def _place(self, digits: str) -> Path | None:
        if not _DIGITS.issuperset(digits.removesuffix(".dir")) or len(digits.removesuffix(".dir")) != 32:
            return None
        inside = Path(digits[:2], digits[2:])
        places = (folder / layout / inside for folder in self._folders for layout in (Path("files", "md5"), Path()))
        return next((place for place in places if place.is_file()), None)

    def _read_listing(self, digits: str) -> dict[str, str] | None:
        plain = digits.removesuffix(".dir")
        file = KeptFile(digits, None, self._place(digits), lambda handle: _has_md5(handle, plain, converted=False))
        handle = file.open()
        if handle is None:
            return None
        with handle:
            data = handle.read(MOST_LISTING_NBYTES)
        try:
            return read_listing(data)
        except FormatError:
            return None


def _storage_of(project: Path) -> Iterator[Path]:
    """Where a project keeps files: its cache, the one that is set, and remotes that are folders."""
    settings: dict[tuple[str, str], str] = {}
    for name in CONFIG_FILES:
        try:
            settings |= _settings((project / name).read_text("utf-8", "surrogateescape"))
        except OSError:
            continue
    yield project / settings.get(("cache", "dir"), "cache")
    yield project / "cache"
    for (section, key), value in settings.items():
        if section.startswith("remote") and key == "url" and "://" not in value:
            yield project / value


def _settings(text: str) -> dict[tuple[str, str], str]:
    found, section = {}, ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]'")
        elif "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found[section, key.strip()] = value.strip().strip("'\"")
    return found


def _has_md5(handle: FileIO, digits: str, converted: bool) -> bool:
    plain = md5(usedforsecurity=False)
    digest_of(handle, plain.update)
    return plain.hexdigest() == digits or (converted and _converted_md5(handle) == digits)


def _converted_md5(handle: FileIO) -> str:
    """Return the MD5 with CR LF taken as LF if the file looks like text, as DVC before 3 did, block by block."""
    handle.seek(0)
    head = handle.read(TEXT_NBYTES)
    is_text = b"\0" not in head and (not head or len(head.translate(None, _TEXT)) / len(head) <= 0.3)
    digest = md5(usedforsecurity=False)
    digest_of(
        handle,
        lambda block: digest.update(block.replace(b"\r\n", b"\n") if is_text else block),
        CONVERTED_NBYTES,
    )
    return digest.hexdigest()


def _never(_: FileIO) -> bool:
    return False
