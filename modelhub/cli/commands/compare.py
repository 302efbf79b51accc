"""`mh compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records, print_rows
from modelhub.cli.output.quantities import count, number, short
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.porcelain.compare import ComparedValue, CompareResult, compare

ROW_COLUMNS = ("kind", "name")


@command(
    "compare",
    examples=[
        ("mh compare v1 v2 v3", "The params and metrics in which three versions differ."),
        ("mh compare main topic --all", "Also those that are equal."),
    ],
)
@click.argument("revisions", metavar="REV REV...", nargs=-1, required=True, shell_complete=complete_revision)
@click.option("--all", "every", is_flag=True, help="Also what is the same in all.")
@format_option
@pass_session
def compare_command(
    session: Session, revisions: Sequence[str], *, every: bool, style: str | None, as_json: bool
) -> None:
    """Show params and metrics of versions side by side.

    Only what differs is shown. 'mh diff' tells of two versions also what changed in their files and tensors.
    """
    chosen = chosen_format(style, as_json)
    result = compare(session.repository, revisions=revisions, every=every)
    if chosen == "json":
        print_json(session, "compare", result)
    elif chosen == "jsonl":
        print_records(session, chosen, "compare", result.rows, ROW_COLUMNS)
    elif chosen != "table":
        rows = ((row.kind, row.name, *row.values) for row in result.rows)
        print_rows(session, chosen, "compare", (*ROW_COLUMNS, *revisions), rows)
    else:
        session.write(_lines(session, result))
        if result.equal:
            session.say(f"{count(result.equal, 'param or metric', 'params and metrics')} the same: --all shows them")


def _lines(session: Session, result: CompareResult) -> Iterator[str]:
    layout = (
        Column("", least=8),
        *(Column(clean(version.revision), right=True, least=10) for version in result.versions),
    )
    rows: list[Row] = [("version", *(Cell(short(version.commit), ("yellow",)) for version in result.versions))]
    for kind in ("param", "metric"):
        of_kind = [row for row in result.rows if row.kind == kind]
        if of_kind:
            rows.append((Cell(f"{kind}s", ("bold",)), *("" for _ in result.versions)))
            rows += map(_row, of_kind)
    yield from render(layout, rows, session.terminal)


def _row(row: ComparedValue) -> Row:
    return (f"  {clean(row.name)}", *(clean(number(value)) for value in row.values))
