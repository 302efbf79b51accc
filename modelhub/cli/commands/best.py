"""`mh best`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records, print_rows
from modelhub.cli.output.quantities import count, number, short
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.porcelain.best import MOST_VERSIONS, BestResult, best

VERSION_COLUMNS = ("commit", "value", "summary")


@command(
    "best",
    examples=[
        ("mh best accuracy", "The versions with the highest accuracy, and the params that made the difference."),
        ("mh best val_loss --min -n 3", "The three with the lowest loss."),
        ("mh tag best $(mh best accuracy -n 1 --format csv | tail -1 | cut -d, -f1)", "Name the best one."),
    ],
)
@click.argument("metric", metavar="METRIC")
@click.option("--min", "lowest", is_flag=True, help="The lowest value is the best.")
@click.option(
    "-n",
    "--max-count",
    "limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=MOST_VERSIONS,
    show_default=True,
    help="At most N versions.",
)
@format_option
@pass_session
def best_command(session: Session, metric: str, *, lowest: bool, limit: int, style: str | None, as_json: bool) -> None:
    """List the best versions by a metric.

    Every version that HEAD, a branch or a tag holds takes part. Params are shown where they differ.
    """
    chosen = chosen_format(style, as_json)
    result = best(session.repository, metric=metric, lowest=lowest, limit=limit)
    if chosen == "json":
        print_json(session, "best", result)
    elif chosen == "jsonl":
        print_records(session, chosen, "best", result.versions, VERSION_COLUMNS)
    elif chosen != "table":
        rows = (
            (version.commit, version.value, version.summary, *map(version.params.get, result.params))
            for version in result.versions
        )
        print_rows(session, chosen, "best", (*VERSION_COLUMNS, *result.params), rows)
    else:
        session.write(_lines(session, result))
    if len(result.versions) < result.measured:
        session.say(f"{count(result.measured, 'version')} have '{clean(metric)}': -n N shows N")


def _lines(session: Session, result: BestResult) -> Iterator[str]:
    layout = (
        Column("version"),
        Column(clean(result.metric), right=True),
        Column("summary", least=10),
        *(Column(clean(name), right=True, least=8, rank=place) for place, name in enumerate(result.params, 1)),
    )
    rows: list[Row] = [
        (
            Cell(short(version.commit), ("yellow",)),
            number(version.value),
            clean(version.summary),
            *(clean(number(version.params.get(name))) for name in result.params),
        )
        for version in result.versions
    ]
    yield from render(layout, rows, session.terminal)
