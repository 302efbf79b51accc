"""What can be asked in SQL: the views, and the columns of one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from modelhub.catalog.views.registry import BY_NAME, VIEWS
from modelhub.catalog.views.view import Column
from modelhub.cli.output.tables import Cell
from modelhub.cli.output.terminal import DEFAULT_WIDTH, Terminal
from modelhub.errors import InvalidInputError


def view_lines(terminal: Terminal, names: Sequence[str]) -> Iterator[str]:
    """Yield the list of views, or the columns and an example of those named. Raises InvalidInputError for no view."""
    if not names:
        rows = [(Cell(view.name, ("bold",)), view.description) for view in VIEWS]
        yield from _name_and_text(rows, terminal)
        yield ""
        yield "mh query 'select ... from ...' asks; mh query --views NAME lists a view's columns"
    for name in names:
        if name not in BY_NAME:
            raise InvalidInputError(f"there is no view '{name}'", hint="the views are: " + ", ".join(BY_NAME))
        view = BY_NAME[name]
        yield f"{terminal.style(view.name, 'bold')}: {view.description}"
        yield ""
        yield from _name_and_text([(column.name, _meaning(column)) for column in view.columns], terminal)
        yield ""
        yield "for example"
        yield from (f"  {line}" for line in view.example.splitlines())


def _name_and_text(rows: Sequence[tuple[str | Cell, str]], terminal: Terminal) -> Iterator[str]:
    """Yield names with what they mean beside them, the text wrapped."""
    names = [name.text if isinstance(name, Cell) else name for name, _ in rows]
    indent = 2 + max(map(len, names)) + 2
    for name, (shown, text) in zip(names, rows, strict=True):
        lines = textwrap.wrap(text, max(20, (terminal.width or DEFAULT_WIDTH) - indent)) or [""]
        styled = terminal.style(name, *shown.styles) if isinstance(shown, Cell) else name
        yield f"  {styled}{' ' * (indent - 2 - len(name))}{lines[0]}".rstrip()
        yield from (" " * indent + line for line in lines[1:])


def _meaning(column: Column) -> str:
    unit = " in bytes" if column.unit == "bytes" else ""
    null = f" (null: {column.null})" if column.null else ""
    return f"{column.type}: {column.description}{unit}{null}"
