"""Which files of the working tree are left out: `.mhignore` files, in git's syntax, and a few defaults.

`.gitignore` is not obeyed, since people name their weights there. A folder that is left out is not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".mhignore"

ALWAYS = frozenset({".mh", ".git"})
DEFAULT_FOLDERS = frozenset(
    {
        *("__pycache__", ".ipynb_checkpoints", ".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache"),
        *(".venv", "venv", ".tox", ".nox", "node_modules", ".hg", ".svn", ".dvc", ".idea", ".vscode"),
    }
)
DEFAULT_ENDINGS = (".pyc", ".pyo", ".swp", ".swo", "~", ".DS_Store", "Thumbs.db")


class IgnoreRules:
    """The rules that hold in one folder: its own file first, then those of the folders above, then the defaults."""

    def __init__(self, prefix: str = "", lines: Iterable[str] = (), above: IgnoreRules | None = None) -> None:
        self._prefix = prefix
        self._above = above
        self._spec = _compile(list(lines), prefix)

    def below(self, prefix: str, text: str) -> IgnoreRules:
        """The rules in a folder (`prefix` ends with a slash) that has an ignore file with this text."""
        return IgnoreRules(prefix, text.splitlines(), self)

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Tell whether a file or folder is left out."""
        decided = self._decide(path + "/" if folder else path)
        if decided is not None:
            return decided
        name = path.rsplit("/", 1)[-1]
        return name in DEFAULT_FOLDERS if folder else name.endswith(DEFAULT_ENDINGS)

    def _decide(self, path: str) -> bool | None:
        if self._spec is not None:
            decided = self._spec.check_file(path[len(self._prefix) :]).include
            if decided is not None:
                return bool(decided)
        return self._above._decide(path) if self._above is not None else None


def _compile(lines: list[str], prefix: str) -> GitIgnoreSpec | None:
    if not any(line.strip() and not line.startswith("#") for line in lines):
        return None
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise InvalidInputError(f"'{prefix}{IGNORE_FILE}' cannot be understood: {error}") from None
