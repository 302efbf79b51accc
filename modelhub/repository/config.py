"""Settings: the user's own file and `.mh/config.toml`, which wins. Never read from versioned content."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from msgspec import Struct

from modelhub import files
from modelhub.errors import InvalidInputError, NotFoundError

KEYS: dict[str, str] = {
    "user.name": "the author of commits",
    "user.email": "the author's address",
    "gc.grace_days": "how many days unreachable objects are kept (default 14)",
    "gc.operations_days": "how many days of operations can be undone (default 90)",
    "commit.strict": "true: weight findings stop a commit",
    "commit.find_parents": "false: no parents are looked for that nobody declared (default true)",
}


class Setting(Struct, frozen=True):
    """One setting, its text, and the file it comes from."""

    key: str
    value: str
    origin: Path


def read_settings(paths: list[Path]) -> dict[str, Setting]:
    """Return all settings; later files win. Files that are missing are skipped."""
    settings: dict[str, Setting] = {}
    for path in paths:
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        settings |= {key: Setting(key, value, path) for key, value in _flat(_parsed(path, data))}
    return settings


def _parsed(path: Path, data: bytes) -> Mapping[str, object]:
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"'{path}' is not valid TOML: {error}", hint="mend or remove it") from None


def _flat(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, str(value).lower() if isinstance(value, bool) else str(value)))
    return found


def _check_value(key: str, value: str | None) -> None:
    if value is None:
        return
    if key.endswith("_days") and not re.fullmatch(r"\d+(\.\d+)?", value):
        raise InvalidInputError(f"'{key}' is a number of days, not '{value}'", hint="such as 14")
    if key in ("commit.strict", "commit.find_parents") and value not in ("true", "false"):
        raise InvalidInputError(f"'{key}' is true or false, not '{value}'")
    if key.startswith("user.") and (not value.strip() or not value.isprintable() or set(value) & set("<>")):
        raise InvalidInputError(f"{value!r} cannot be the value of '{key}'", hint="it is one line without < and >")


def write_setting(path: Path, key: str, value: str | None, *, scratch: Path | None = None) -> None:
    """Set a value, or with None remove it, keeping comments. Raises InvalidInputError, or NotFoundError on removal."""
    import tomlkit

    if key not in KEYS:
        raise InvalidInputError(f"there is no setting '{key}'", hint="settings: " + ", ".join(KEYS))
    _check_value(key, value)
    read_settings([path])  # raises where the file is not valid
    document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    section, name = key.split(".")
    table = document.setdefault(section, tomlkit.table())
    if not isinstance(table, MutableMapping):
        raise InvalidInputError(
            f"in '{path}' '{section}' is no section", hint=f"write [{section}] on a line of its own"
        )
    if value is None:
        if name not in table:
            raise NotFoundError(f"'{key}' is not set in '{path}'")
        del table[name]
    else:
        table[name] = value
    files.make_folders(path.parent)
    files.write_atomic(path, tomlkit.dumps(document).encode(), scratch=scratch or path.parent)
