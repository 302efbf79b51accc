"""Which names are allowed: of files in a tree, and of branches and tags.

One set of rules for recording and for writing: nothing recorded on one machine can escape or mislead on another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from modelhub.errors import InvalidInputError, UnsafePath

MAX_NAME_BYTES = 255
MAX_DEPTH = 100

_RESERVED_FOLDERS = frozenset({".mh", ".git", "mh~1", "git~1"})
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_BAD_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$|^/|^-|\.lock(/|$)|(^|/)\.")


def folded(name: str) -> str:
    """Return the form in which two names that some file system takes for one are equal."""
    if name.isascii():
        return name.lower()
    kept = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", kept.casefold())


def _complaint(part: str) -> str | None:
    try:
        size = len(part.encode("utf-8"))
    except UnicodeEncodeError:
        return "is not UTF-8"
    if not 1 <= size <= MAX_NAME_BYTES:
        return f"is not 1 to {MAX_NAME_BYTES} bytes long"
    if part in (".", "..") or part != part.strip() or part.endswith("."):
        return "begins or ends with a space, ends with a dot, or is a dot name"
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in part):
        return "holds a control or invisible character"
    if any(letter in "/\\:\0" for letter in part):
        return "holds one of / \\ :"
    if folded(part) in _RESERVED_FOLDERS or _DEVICES.fullmatch(part):
        return "is reserved"
    return None


_known_good: set[str] = set()


def check_name(name: str) -> None:
    """Raise UnsafePath unless one file or folder may have this name. Names found good are remembered."""
    if name in _known_good:
        return
    complaint = _complaint(name)
    if complaint:
        raise UnsafePath(f"the name {name!r} {complaint}", hint="rename it, or name it in .mhignore")
    _known_good.add(name)


def check_path(path: str) -> None:
    """Raise UnsafePath unless every part of this relative path may be recorded and written."""
    parts = path.split("/")
    if len(parts) > MAX_DEPTH:
        raise UnsafePath(f"'{path[:60]}…' lies more than {MAX_DEPTH} folders deep")
    for part in parts:
        check_name(part)


def check_siblings(paths: Iterable[str]) -> None:
    """Raise UnsafePath where two paths are one on a file system that folds case, or one is a file and a folder."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = path if path.isascii() and path.islower() else folded(path)
        if key in seen and seen[key] != path:
            raise UnsafePath(f"'{seen[key]}' and '{path}' are the same name on some file systems", hint="rename one")
        seen[key] = path
        cut = path.rfind("/")
        if cut > 0:
            folders.setdefault(path[:cut], path)
    for folder, path in folders.items():
        while folder:
            if folder in seen:
                raise UnsafePath(f"'{folder}' is a file, and '{path}' needs it to be a folder")
            folder = folder.rpartition("/")[0]


def check_ref_name(name: str) -> None:
    """Raise InvalidInputError unless a branch or tag may have this name (git's rules)."""
    if not name or len(name) > 200 or _BAD_IN_REF.search(name) or name in ("@", "HEAD"):
        raise InvalidInputError(
            f"'{name}' cannot be the name of a branch or tag",
            hint="use letters, digits, - _ . and /, not starting with - or a dot",
        )
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in name):
        raise InvalidInputError(f"{name!r} holds an invisible character")


def stays_inside(path: str, target: str) -> bool:
    """Tell whether a link at `path` with this target leads to a place inside the folder.

    Steps up are only trusted at the beginning: after a name, which may be a link itself, they lead anywhere.
    """
    if not target or PurePosixPath(target).is_absolute():
        return False
    parts = PurePosixPath(target).parts
    up = parts.count("..")
    return all(part == ".." for part in parts[:up]) and up <= path.count("/")
