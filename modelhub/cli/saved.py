"""Saved queries as the command line shows them: the list, the text of one, and what was saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modelhub.cli.options import print_json, print_records
from modelhub.cli.output.tables import Cell, Column, render
from modelhub.cli.output.text import clean
from modelhub.porcelain.saved_queries import Parameter, SavedQuery, save_query, saved_queries, saved_query

if TYPE_CHECKING:
    from modelhub.cli.context import Session

COLUMNS = ("name", "description", "path")


def list_saved(session: Session, style: str) -> None:
    """Print the saved queries with what they are for and the values they take."""
    found = saved_queries(session.repository)
    if style == "json":
        print_json(session, "queries", found)
    elif style != "table":
        print_records(session, style, "queries", found, COLUMNS)
    elif found:
        session.page(_lines(session, found))
    else:
        session.say("no saved queries: 'mh query --save NAME SQL' makes one")


def show_saved(session: Session, place: str) -> None:
    """Print the text of one saved query as it is kept."""
    session.write(clean(line) for line in saved_query(session.repository, place=place).text.splitlines())


def save(session: Session, name: str, text: str, description: str = "", **options: Any) -> SavedQuery:
    """Save a query and say where it is. `options`: `defaults` and `force`, as porcelain takes them."""
    saved = save_query(
        session.repository, name=name.removeprefix("@"), text=text, description=description, **_given(options)
    )
    session.say(f"saved as '{session.shown(saved.path)}': mh query @{saved.name} asks it, mh commit takes it in")
    return saved


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _lines(session: Session, queries: tuple[SavedQuery, ...]) -> Iterator[str]:
    layout = (Column("query"), Column("values", least=16), Column("description", least=20))
    rows = [
        (
            Cell(f"@{clean(query.name)}", ("bold",)),
            clean(" ".join(map(_written, query.parameters))) or "-",
            clean(query.description) or "-",
        )
        for query in queries
    ]
    yield from render(layout, rows, session.terminal)


def _written(parameter: Parameter) -> str:
    if parameter.required:
        return f"{parameter.name}=…"
    return f"{parameter.name}={'null' if parameter.default is None else parameter.default}"
