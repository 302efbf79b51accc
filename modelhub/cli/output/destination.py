"""Where a result goes: which format a file's name asks for, and writing the file in one step."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelhub.errors import InvalidInputError, NotFoundError
from modelhub.files import Bytes, TempFile

BINARY_FORMATS = ("parquet", "arrow")
_NEW_FILE = 0o644
_BY_SUFFIX = {
    ".txt": "table",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".md": "md",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


def format_of(path: Path, said: str | None = None) -> str:
    """Return the format to write: the one said, else that of the file's extension. Raises InvalidInputError."""
    if said is not None:
        return said
    found = _BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        raise InvalidInputError(
            f"the name '{path.name}' does not tell the format", hint="--format says it, or one of " + _suffixes()
        )
    return found


def save_lines(path: Path, lines: Iterable[str]) -> None:
    """Replace a file by lines of text, in one step."""
    save_bytes(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))


def save_bytes(path: Path, data: bytes) -> None:
    """Replace a file, in one step. Raises NotFoundError where its folder is missing."""
    save_blocks(path, [data])


def save_blocks(path: Path, blocks: Iterable[Bytes]) -> None:
    """Replace a file by these bytes, in one step once all are there: what `blocks` raises leaves it as it was.

    Raises NotFoundError where its folder is missing.
    """
    target = path.resolve()
    if target.is_dir():
        raise InvalidInputError(f"'{path}' is a folder", hint="-o takes the name of a file")
    if not target.parent.is_dir():
        raise NotFoundError(f"there is no folder '{path.parent}'", hint="make it first")
    with TempFile(target.parent, mode=_NEW_FILE) as temp:
        for block in blocks:
            temp.write(block)
        temp.replace(target)


def _suffixes() -> str:
    return ", ".join(_BY_SUFFIX)
