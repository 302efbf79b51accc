"""`mh best`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records, print_rows
from modelhub.cli.output.quantities import count, number, short
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError
from modelhub.porcelain.best import MOST_VERSIONS, BestResult, BestRunsResult, best, best_runs

VERSION_COLUMNS = ("commit", "value", "summary")
RUN_COLUMNS = ("run", "value", "step", "name", "commit")


@command(
    "best",
    examples=[
        ("mh best accuracy", "The versions with the highest accuracy, and the params that made the difference."),
        ("mh best val_loss --min -n 3", "The three with the lowest loss."),
        ("mh best val_loss --runs", "The runs that came lowest at any step; whether low is good, the runs say."),
        ("mh best accuracy --data data/test.csv", "Only what was measured on that file."),
        ("mh tag best $(mh best accuracy -n 1 --format csv | tail -1 | cut -d, -f1)", "Name the best one."),
    ],
)
@click.argument("metric", metavar="METRIC")
@click.option("--min", "lowest", is_flag=True, help="The lowest value is the best.")
@click.option("--max", "highest", is_flag=True, help="The highest value is the best.")
@click.option("--runs", is_flag=True, help="Rank training runs by their best value instead of versions.")
@click.option("--replays", is_flag=True, help="With --runs: rank replays too.")
@click.option("--data", metavar="PATH|ID", help="Only what was measured on this file or folder.")
@click.option("--across-data", is_flag=True, help="Rank also what was measured on different data.")
@click.option(
    "-n",
    "--max-count",
    "limit",
    metavar="N",
    type=click.IntRange(min=1),
    help=f"At most N versions or runs.  [default: {MOST_VERSIONS}]",
)
@format_option
@pass_session
def best_command(session: Session, metric: str, *, style: str | None, as_json: bool, **options: Any) -> None:
    """List the best versions by a metric.

    Every version that HEAD, a branch or a tag holds takes part. Params are shown where they differ. Values that were
    measured on different data are not ranked together, unless --across-data says so.
    """
    if options["lowest"] and options["highest"]:
        raise InvalidInputError("--min and --max exclude each other")
    if options["replays"] and not options["runs"]:
        raise InvalidInputError("--replays is for runs", hint="mh best METRIC --runs --replays")
    chosen = chosen_format(style, as_json)
    asked = {name: options[name] for name in ("data", "across_data")} | {"limit": options["limit"] or MOST_VERSIONS}
    lowest = options["lowest"]
    if options["runs"]:
        down = lowest if lowest or options["highest"] else None
        result: BestResult | BestRunsResult = best_runs(
            session.repository, metric=metric, lowest=down, replays=options["replays"], **asked
        )
    else:
        result = best(session.repository, metric=metric, lowest=lowest, **asked)
    _show(session, chosen, result, RUN_COLUMNS if options["runs"] else VERSION_COLUMNS)
    _tell(session, result, chose_limit=options["limit"] is not None)


def _show(session: Session, style: str, result: BestResult | BestRunsResult, columns: Sequence[str]) -> None:
    found = result.versions if isinstance(result, BestResult) else result.runs
    if style == "json":
        print_json(session, "best", result)
    elif style == "jsonl":
        print_records(session, style, "best", found, columns)
    elif style != "table":
        extra = ("data",) if len(result.data) > 1 else ()
        rows = (
            (*(getattr(item, name) for name in columns), *(_text(item.data) for _ in extra),
             *map(item.params.get, result.params))
            for item in found
        )  # fmt: skip
        print_rows(session, style, "best", (*columns, *extra, *result.params), rows)
    else:
        session.write(_lines(session, result))


def _tell(session: Session, result: BestResult | BestRunsResult, *, chose_limit: bool) -> None:
    """Say what the list leaves out without having been asked to."""
    found, what = (result.versions, "version") if isinstance(result, BestResult) else (result.runs, "run")
    if len(found) < result.measured and not chose_limit:
        session.say(f"{count(result.measured, what)} have '{clean(result.metric)}': -n N shows N")
    silent = sum(number for data, number in result.data if data is None)
    if silent and len(result.data) > 1:
        session.say(f"{count(silent, what)} of them did not say what it was measured on")


def _lines(session: Session, result: BestResult | BestRunsResult) -> Iterator[str]:
    with_data = len(result.data) > 1
    params = [Column(clean(name), right=True, least=8, rank=place) for place, name in enumerate(result.params, 1)]
    layout = (
        Column("version" if isinstance(result, BestResult) else "run"),
        Column(clean(result.metric), right=True),
        *(() if isinstance(result, BestResult) else (Column("step", right=True),)),
        Column("summary" if isinstance(result, BestResult) else "name", least=10),
        *((Column("data", least=8),) if with_data else ()),
        *params,
    )
    rows: list[Row] = []
    if isinstance(result, BestResult):
        for version in result.versions:
            first = (Cell(short(version.commit), ("yellow",)), number(version.value), clean(version.summary))
            rows.append((*first, *_rest(version.data, version.params, result.params, with_data=with_data)))
    else:
        for run in result.runs:
            named = (Cell(run.run, ("yellow",)), number(run.value), number(run.step), clean(run.name))
            rows.append((*named, *_rest(run.data, run.params, result.params, with_data=with_data)))
    yield from render(layout, rows, session.terminal)


def _rest(data: object, params: Mapping[str, Any], names: Sequence[str], *, with_data: bool) -> tuple[str, ...]:
    shown = (clean(_text(data)),) if with_data else ()
    return (*shown, *(clean(number(params.get(name))) for name in names))


def _text(data: object) -> str:
    return "" if data is None else str(data)
