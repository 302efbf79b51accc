"""Parts of a long view under their titles: tables, and names with texts that are wrapped rather than cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from modelhub.cli.output.tables import GAP, Column, Row, render
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import cell_width, pad

INDENT = 2
LEAST_TEXT = 20


def titled_table(
    title: str, columns: Sequence[Column], rows: Sequence[Row], terminal: Terminal, *, header: bool = False
) -> Iterator[str]:
    """Yield a title and the rows below it; nothing without rows. Texts must be clean already."""
    if rows:
        yield terminal.style(title, "bold")
        yield from render(columns, rows, terminal, indent=INDENT, header=header)


def titled_pairs(title: str, pairs: Sequence[tuple[str, str]], terminal: Terminal) -> Iterator[str]:
    """Yield a title and names with their texts below it; nothing without any. Texts must be clean already."""
    if pairs:
        yield terminal.style(title, "bold")
        yield from pair_lines(pairs, terminal)


def pair_lines(pairs: Sequence[tuple[str, str]], terminal: Terminal) -> Iterator[str]:
    """Yield names and, beside them, their texts; what is longer than the terminal is wide goes on below itself."""
    longest = max((cell_width(name) for name, _ in pairs), default=0)
    width = longest if terminal.width is None else min(longest, max(terminal.width // 2 - INDENT - GAP, 0))
    start = INDENT + width + GAP
    for name, text in pairs:
        lead = " " * INDENT + name
        lines = _wrapped(text, None if terminal.width is None else max(terminal.width - start, LEAST_TEXT))
        if cell_width(name) > width:
            yield lead
            lead = ""
        for line in lines:
            yield (pad(lead, start) + line).rstrip()
            lead = ""


def _wrapped(text: str, room: int | None) -> list[str]:
    if room is None or cell_width(text) <= room:
        return [text]
    return textwrap.wrap(text, room, break_on_hyphens=False, drop_whitespace=True) or [""]
