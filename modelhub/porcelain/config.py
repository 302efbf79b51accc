"""Read and change settings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from modelhub.errors import InvalidInputError
from modelhub.repository.config import Setting, read_settings, write_setting
from modelhub.repository.repository import Repository

Scope = Literal["user", "repository"]


def user_file(home: Path) -> Path:
    """Return the user's own settings file."""
    return home / ".config" / "modelhub" / "config.toml"


def setting_files(repo: Repository | None, home: Path) -> list[Path]:
    """Return the settings files that count, the strongest last."""
    return [user_file(home)] + ([repo.layout.config] if repo is not None else [])


def settings(repo: Repository | None, home: Path) -> tuple[Setting, ...]:
    """Return every setting that holds here, sorted by key."""
    found = read_settings(setting_files(repo, home))
    return tuple(found[key] for key in sorted(found))


def number_setting(repo: Repository, home: Path | None, key: str, default: float) -> float:
    """Return a setting as a finite number. Raises InvalidInputError where it is none."""
    files = [repo.layout.config] if home is None else setting_files(repo, home)
    found = read_settings(files).get(key)
    if found is None:
        return default
    try:
        value = float(found.value)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInputError(f"the setting '{key}' is '{found.value}', not a number", hint=f"see '{found.origin}'")
    return value


def is_set(repo: Repository, home: Path, key: str, *, default: bool = False) -> bool:
    """Tell whether a yes-or-no setting is true. Raises InvalidInputError where it is neither true nor false."""
    found = read_settings(setting_files(repo, home)).get(key)
    if found is None:
        return default
    if found.value in ("false", "true"):
        return found.value == "true"
    raise InvalidInputError(f"the setting '{key}' is '{found.value}', not true or false", hint=f"see '{found.origin}'")


def set_value(repo: Repository | None, key: str, value: str | None, *, scope: Scope, home: Path) -> None:
    """Set a value, or with None remove it, for this user or for this repository."""
    if scope == "user":
        write_setting(user_file(home), key, value)
        return
    if repo is None:
        raise InvalidInputError("there is no repository here", hint="--user sets it for all your repositories")
    with repo.writing():
        write_setting(repo.layout.config, key, value, scratch=repo.layout.scratch)
