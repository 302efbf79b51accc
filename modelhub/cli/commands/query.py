"""`mh query`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modelhub.cli.answers import SCREEN_ROWS, Asking, answer, refuse_binary_on_terminal
from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.facts import parse_params
from modelhub.cli.options import FORMATS, chosen_format, json_option, pass_session
from modelhub.cli.output.destination import BINARY_FORMATS, format_of
from modelhub.cli.output.view_guide import view_lines
from modelhub.errors import InvalidInputError

NO_QUERY_HINT = "mh query 'select * from commits', or the text on stdin"


@command(
    "query",
    examples=[
        (
            "mh query \"select value, commit_id from metrics where name = 'accuracy'\"",
            "A metric in every version that has it.",
        ),
        ("mh query", "A prompt that completes names and keeps a history; .help lists its commands."),
        ("mh query --views tensors", "What there is to ask about tensors."),
        ("mh query -o answer.parquet < question.sql", "A longer query from a file; the answer in another."),
        ('mh query "select * from params where name = :n" --set n=lr', "With a value."),
        ('mh query --save rates "select * from params where name = :n"', "Keep a query in the project."),
        ("mh query @rates --set n=lr", "Ask the saved one; @rates@v1 is the one in version v1."),
        ('mh query --as-of 2026-03-01 "select * from refs"', "What the names stood for at the end of that day."),
    ],
    exits={2: "the query cannot be understood, is not allowed, or took too long"},
)
@click.argument("sql", metavar="[SQL|@NAME]", nargs=-1)
@click.option("--views", is_flag=True, help="List the views, or the columns of the view named.")
@click.option("--set", "--param", "params", metavar="NAME=VALUE", multiple=True, help="A value for :NAME in the query.")
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
@click.option(
    "--as-of",
    metavar="WHEN",
    help="Answer as of then: a date (its end), 'DATE TIME', an operation, or a revision (when it was first there).",
)
@click.option("--list", "listed", is_flag=True, help="List the saved queries.")
@click.option("--show", metavar="@NAME", help="Print a saved query.")
@click.option("--save", metavar="NAME", help="Save the query as queries/NAME.sql; --set gives defaults.")
@click.option("-m", "--message", default="", metavar="TEXT", help="With --save: what the query is for.")
@click.option("-f", "--force", is_flag=True, help="With --save: replace the one there is.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE; its extension is a format."
)
@click.option(
    "--format", "style", type=click.Choice([*FORMATS, *BINARY_FORMATS]), help="How to print the rows  [default: table]"
)
@json_option
@pass_session
def query_command(session: Session, sql: Sequence[str], *, views: bool, **options: Any) -> None:
    """Ask the history in SQL.

    The query can only read. Without one a prompt opens; off a terminal, or with '-', stdin gives the queries, each
    ended by ';'. --views lists what there is to ask.
    """
    asking = _asking(options)
    if views:
        session.page(view_lines(session.terminal, sql))
    elif options["listed"] or options["show"] is not None or options["save"] is not None:
        _care_for_saved(session, sql, asking, options)
    elif not sql and sys.stdin.isatty():
        _open_prompt(session, asking)
    else:
        refuse_binary_on_terminal(session, asking)
        for place, statement in enumerate(_statements(sql, asking)):
            if place and asking.style in ("table", "md"):
                session.write([""])
            answer(session, statement, asking)


def _asking(options: dict[str, Any]) -> Asking:
    output, said = options["output"], options["style"]
    if output is not None and str(output) != "-":
        style = format_of(output, "json" if options["as_json"] and said is None else said)
    else:
        output, style = None, chosen_format(said, options["as_json"])
    return Asking(
        style=style,
        output=output,
        params=parse_params(options["params"], "--set"),
        limit=options["limit"],
        timeout_s=options["timeout"],
        as_of=options["as_of"],
    )


def _statements(sql: Sequence[str], asking: Asking) -> list[str]:
    """Return what to ask: the one on the command line, else those on stdin. Raises InvalidInputError for none."""
    if sql not in ((), ("-",)):
        return [" ".join(sql)]
    from modelhub.catalog.query.statements import split_statements

    found = split_statements(sys.stdin.read())
    if not found:
        raise InvalidInputError("no query was given, stdin is empty", hint=NO_QUERY_HINT)
    if len(found) > 1 and (asking.output is not None or asking.style in BINARY_FORMATS):
        raise InvalidInputError(
            f"{len(found)} queries cannot be answered in one file", hint="give one query, or leave -o away"
        )
    return found


def _to_save(sql: Sequence[str]) -> str:
    if sql not in ((), ("-",)):
        return " ".join(sql)
    if not sql and sys.stdin.isatty():
        raise InvalidInputError("no query was given", hint=NO_QUERY_HINT)
    return sys.stdin.read()


def _open_prompt(session: Session, asking: Asking) -> None:
    if not session.terminal.interactive:
        raise InvalidInputError("no query was given", hint=NO_QUERY_HINT)
    from modelhub.cli.query_prompt.prompt import Prompt

    Prompt(session, asking).run()


def _care_for_saved(session: Session, sql: Sequence[str], asking: Asking, options: dict[str, Any]) -> None:
    from modelhub.cli.saved import list_saved, save, show_saved

    if options["listed"]:
        list_saved(session, asking.style)
    elif options["show"] is not None:
        show_saved(session, options["show"])
    else:
        save(
            session,
            options["save"],
            _to_save(sql),
            options["message"],
            defaults=asking.params,
            force=options["force"],
        )
