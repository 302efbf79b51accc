"""`mh query`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.facts import parse_params
from modelhub.cli.options import chosen_format, format_option, pass_session, print_rows
from modelhub.cli.output.formats import show_rows
from modelhub.errors import InvalidInputError
from modelhub.porcelain.query import query

SCREEN_ROWS = 1000


@command(
    "query",
    examples=[
        ("mh query \"select * from metrics where name = 'accuracy' order by value desc\"", "The best versions first."),
        ("mh query - --format csv < question.sql > answer.csv", "A longer query from a file."),
        ("mh query 'select name, mean, std from tensors where \"commit\" = :c' --param c=v1", "With a value."),
    ],
    exits={2: "the query cannot be understood, is not allowed, or took too long"},
)
@click.argument("sql", metavar="SQL", nargs=-1)
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
def query_command(
    session: Session,
    sql: Sequence[str],
    *,
    params: Sequence[str],
    limit: int | None,
    timeout: float,
    style: str | None,
    as_json: bool,
) -> None:
    """Ask the history in SQL.

    The query can only read. '-' takes it from stdin. Views: commits, refs, operations, files, tensors, params,
    metrics, parents, ancestry; 'mh query "select * from tensors limit 1"' shows a view's columns.
    """
    chosen = chosen_format(style, as_json)
    if limit is None and chosen == "table":
        limit = SCREEN_ROWS
    result = query(session.repository, sql=_text(sql), params=parse_params(params), limit=limit, timeout_s=timeout)
    if chosen == "table":
        session.page(show_rows(result.columns, result.rows(), session.terminal))
    else:
        print_rows(session, chosen, "query", result.columns, result.rows())
    if result.truncated:
        session.say(f"only the first {limit} rows are shown: --limit N shows more")


def _text(words: Sequence[str]) -> str:
    if words == ("-",) or (not words and not sys.stdin.isatty()):
        return sys.stdin.read()
    text = " ".join(words)
    if not text.strip():
        raise InvalidInputError(
            "there is no query",
            hint="try: mh query 'select * from commits'; further views: refs, operations, files, tensors, params, "
            "metrics, parents, ancestry",
        )
    return text
