"""`mh query`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.facts import parse_params
from modelhub.cli.options import chosen_format, format_option, pass_session, print_rows
from modelhub.cli.output.formats import show_rows
from modelhub.cli.output.quantities import count
from modelhub.cli.output.view_guide import view_lines
from modelhub.porcelain.query import query

SCREEN_ROWS = 1000


@command(
    "query",
    examples=[
        (
            'mh query "select m.value, c.summary from metrics m join commits c on c.id = m.commit_id where m.name = '
            "'accuracy' order by m.value desc\"",
            "The best versions first.",
        ),
        ("mh query --views tensors", "What there is to ask about tensors."),
        ("mh query - --format csv < question.sql > answer.csv", "A longer query from a file."),
        ('mh query "select * from params where name = :n" --param n=lr', "With a value."),
    ],
    exits={2: "the query cannot be understood, is not allowed, or took too long"},
)
@click.argument("sql", metavar="[SQL]", nargs=-1)
@click.option("--views", is_flag=True, help="List the views, or the columns of the view named.")
@click.option("--param", "params", metavar="NAME=VALUE", multiple=True, help="A value for :NAME in the query.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=0), help=f"At most N rows  [default: {SCREEN_ROWS} as a table]"
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Stop after so long.",
)
@format_option
@pass_session
def query_command(session: Session, sql: Sequence[str], *, views: bool, **options: Any) -> None:
    """Ask the history in SQL.

    The query can only read. '-' takes it from stdin. --views lists what there is to ask.
    """
    if views or (not sql and sys.stdin.isatty()):
        session.page(view_lines(session.terminal, sql))
        return
    chosen = chosen_format(options["style"], options["as_json"])
    limit = SCREEN_ROWS if options["limit"] is None and chosen == "table" else options["limit"]
    result = query(
        session.repository,
        sql=sys.stdin.read() if sql in ((), ("-",)) else " ".join(sql),
        params=parse_params(options["params"]),
        limit=limit,
        timeout_s=options["timeout"],
    )
    if chosen == "table":
        session.page(show_rows(result.columns, result.rows(), session.terminal))
    else:
        print_rows(session, chosen, "query", result.columns, result.rows())
    if result.truncated:
        session.say(f"only {count(len(result), 'row')} shown: there are more, --limit N shows N")
