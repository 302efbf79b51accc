"""`mh compare`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records, print_rows
from modelhub.cli.output.quantities import count, number, short
from modelhub.cli.output.sparkline import sparkline
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.porcelain.compare import ComparedValue, ComparedVersion, CompareResult, compare
from modelhub.porcelain.courses import courses, run_courses

ROW_COLUMNS = ("kind", "name")


@command(
    "compare",
    examples=[
        ("mh compare v1 v2 v3", "The params and metrics in which three versions differ."),
        ("mh compare main topic --all", "Also those that are equal."),
        ("mh compare 3f2a 91c0", "Two runs, by the beginning of their ids."),
    ],
)
@click.argument("revisions", metavar="REV|RUN...", nargs=-1, required=True, shell_complete=complete_revision)
@click.option("--all", "every", is_flag=True, help="Also what is the same in all.")
@format_option
@pass_session
def compare_command(
    session: Session, revisions: Sequence[str], *, every: bool, style: str | None, as_json: bool
) -> None:
    """Show params and metrics of versions or runs side by side.

    Only what differs is shown; of a run the last values. 'mh diff' tells of two versions also what changed in their
    files and tensors.
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
        if result.across_data:
            names = ", ".join(clean(name) for name in result.across_data)
            session.say(f"note: measured on different data, so not to be compared: {names}")
        if result.equal:
            session.say(f"{count(result.equal, 'param or metric', 'params and metrics')} the same: --all shows them")


def _lines(session: Session, result: CompareResult) -> Iterator[str]:
    layout = (
        Column("", least=8),
        *(Column(clean(version.revision), right=True, least=10) for version in result.versions),
    )
    rows: list[Row] = []
    if any(version.commit for version in result.versions):
        rows.append(("version", *(Cell(short(version.commit), ("yellow",)) for version in result.versions)))
    if any(version.run for version in result.versions):
        rows.append(("run", *(Cell(short(version.run), ("yellow",)) for version in result.versions)))
    for kind in ("param", "metric"):
        of_kind = [row for row in result.rows if row.kind == kind]
        if of_kind:
            rows.append((Cell(f"{kind}s", ("bold",)), *("" for _ in result.versions)))
            rows += map(_row, of_kind) if kind == "param" else _metric_rows(session, result, of_kind)
    yield from render(layout, rows, session.terminal)


def _metric_rows(session: Session, result: CompareResult, metrics: Sequence[ComparedValue]) -> Iterator[Row]:
    """Yield each metric and, below it, how it went where a run logged it."""
    names = {metric.name for metric in metrics}
    known = [_courses(session, version, names) for version in result.versions]
    for metric in metrics:
        yield _row(metric)
        lines = [sparkline(course.get(metric.name, ()), unicode=session.terminal.unicode) for course in known]
        if any(lines):
            yield ("", *lines)


def _courses(session: Session, version: ComparedVersion, names: Collection[str]) -> Mapping[str, Sequence[float]]:
    if version.run:
        return run_courses(session.repository, run=version.run, names=names)
    return courses(session.repository, commit=version.commit, names=names)


def _row(row: ComparedValue) -> Row:
    return (f"  {clean(row.name)}", *(clean(number(value)) for value in row.values))
