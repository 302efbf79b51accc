"""What the output goes to: a person's terminal or a pipe, how wide, which colours and letters it can show."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

DEFAULT_WIDTH = 80
LEAST_WIDTH = 20

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """The facts that decide how text is laid out. `width` is in columns, None where nothing needs to be cut."""

    interactive: bool = False
    width: int | None = None
    colour: bool = False
    unicode: bool = True

    def style(self, text: str, *styles: str) -> str:
        """Return the text in these styles (bold, dim, red, ...), unchanged where colour is off."""
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"

    @property
    def ellipsis(self) -> str:
        """The sign that something was cut."""
        return "…" if self.unicode else "..."


def describe_terminal(stream: TextIO, env: Mapping[str, str], colour: str = "auto") -> Terminal:
    """Look at a stream and the environment. `colour` is "auto", "always" or "never" and beats the environment."""
    interactive = _is_terminal(stream)
    return Terminal(
        interactive=interactive,
        width=_width(stream, env) if interactive else None,
        colour=colour == "always" or (colour == "auto" and _wants_colour(interactive, env)),
        unicode=_shows(stream, "│▇…●"),
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _wants_colour(interactive: bool, env: Mapping[str, str]) -> bool:
    if env.get("NO_COLOR") or env.get("CLICOLOR") == "0":
        return False
    if env.get("FORCE_COLOR", "0") != "0" or env.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return interactive and env.get("TERM", "") not in ("", "dumb")


def _width(stream: TextIO, env: Mapping[str, str]) -> int:
    said = env.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return max(LEAST_WIDTH, int(said))
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return max(LEAST_WIDTH, columns) if columns else DEFAULT_WIDTH


def _shows(stream: TextIO, letters: str) -> bool:
    try:
        letters.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
