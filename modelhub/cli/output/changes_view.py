"""Changed files as people read them, for status, commit, show and merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from modelhub.cli.output.quantities import count
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean

LETTERS = {"added": "A", "modified": "M", "deleted": "D", "renamed": "R", "mode": "X"}
STYLES = {"added": "green", "modified": "yellow", "deleted": "red", "renamed": "cyan", "mode": "yellow"}
WORDS = {
    "added": "new file",
    "modified": "modified",
    "deleted": "deleted",
    "renamed": "renamed",
    "mode": "mode changed",
}


class Change(Protocol):
    """What is known of a changed file."""

    @property
    def kind(self) -> str:
        """A key of WORDS."""

    @property
    def path(self) -> str:
        """Where the file is now."""

    @property
    def old_path(self) -> str | None:
        """Where it was, for a rename."""


def change_lines(
    changes: Iterable[Change], terminal: Terminal, *, shown: Callable[[str], str] = clean, indent: int = 2
) -> Iterator[str]:
    """Yield one line a change: 'M  model.safetensors'."""
    for change in changes:
        letter = terminal.style(LETTERS[change.kind], STYLES[change.kind])
        yield " " * indent + letter + "  " + change_name(change, terminal, shown=shown)


def change_name(change: Change, terminal: Terminal, *, shown: Callable[[str], str] = clean) -> str:
    """Return the path, for a rename both."""
    if change.old_path is None:
        return shown(change.path)
    return f"{shown(change.old_path)} {'→' if terminal.unicode else '->'} {shown(change.path)}"


def tally(changes: Sequence[Change]) -> str:
    """Return how many files of each kind: '2 files added', '3 files: 2 added, 1 deleted'."""
    kinds = Counter(_PAST[change.kind] for change in changes)
    if not kinds:
        return "no file changed"
    files = count(len(changes), "file")
    if len(kinds) == 1:
        return f"{files} {next(iter(kinds))}"
    return f"{files}: " + ", ".join(f"{number} {word}" for word, number in kinds.items())


_PAST = {"added": "added", "modified": "changed", "deleted": "deleted", "renamed": "renamed", "mode": "mode changed"}
