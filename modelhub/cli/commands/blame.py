"""`mh blame`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from modelhub.catalog.blame import Blamed
from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import (
    chosen_format,
    format_option,
    pass_session,
    print_json,
    print_records,
    revision_argument,
)
from modelhub.cli.output.quantities import day, short, small
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import abbreviate, clean
from modelhub.porcelain.blame import BlameResult, blame

LINE_COLUMNS = ("tensor", "change", "relative", "commit", "author", "email", "time", "summary", "run")

_LAYOUT = (
    Column("tensor", least=24, cut=abbreviate),
    Column("version"),
    Column("day", rank=2),
    Column("author", rank=3, least=8),
    Column("run", rank=5),
    Column("moved", right=True, rank=1),
    Column("summary", rank=4, least=10),
)


@command(
    "blame",
    examples=[
        ("mh blame model.safetensors", "For each tensor the version that last changed it."),
        ("mh blame model.safetensors --tensor fc.bias v2", "One tensor, as of another version."),
        ("mh blame train.py", "The version that last changed a plain file."),
    ],
)
@click.argument("path", metavar="PATH")
@revision_argument(default="HEAD", metavar="[REV]")
@click.option("-t", "--tensor", metavar="NAME", help="Only this tensor.")
@format_option
@pass_session
def blame_command(
    session: Session, path: str, revision: str, *, tensor: str | None, style: str | None, as_json: bool
) -> None:
    """Show which version last changed each tensor of a file.

    Merges are seen through: a tensor is followed by its name to the version that made it what it is. 'moved' is the
    relative change there, where a query of the view 'tensor_changes' has measured it.
    """
    chosen = chosen_format(style, as_json)
    result = blame(session.repository, path=session.path(path), tensor=tensor, revision=revision)
    if chosen == "json":
        print_json(session, "blame", result)
    elif chosen != "table":
        print_records(session, chosen, "blame", result.lines, LINE_COLUMNS)
    else:
        session.page(_lines(session, result))


def _lines(session: Session, result: BlameResult) -> Iterator[str]:
    known = {"tensor": any(line.tensor for line in result.lines), "run": any(line.run for line in result.lines)}
    shown = [at for at, column in enumerate(_LAYOUT) if known.get(column.title, True)]
    rows = [_row(line) for line in result.lines]
    yield from render([_LAYOUT[at] for at in shown], [[row[at] for at in shown] for row in rows], session.terminal)


def _row(line: Blamed) -> Row:
    moved = "new" if line.change == "added" else "" if line.relative is None else small(line.relative)
    return (
        clean(line.tensor or ""),
        Cell(short(line.commit), ("yellow",)),
        day(line.time, line.offset),
        clean(line.author),
        short(line.run) if line.run else "",
        moved,
        clean(line.summary),
    )
