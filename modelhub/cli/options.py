"""Options and arguments that several commands share, and the printing of results for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from modelhub.cli.completion import complete_branch, complete_revision
from modelhub.cli.context import Session
from modelhub.errors import InvalidInputError

FORMATS = ("table", "json", "jsonl", "csv", "md")

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite unsaved work.")
dry_run_option = click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
pass_session: Callable[[Callable[..., Any]], Callable[..., Any]] = click.pass_obj


def format_option(function: F) -> F:
    """Add `--format` and its short form `--json`."""
    choice = click.option(
        "--format",
        "style",
        type=click.Choice(FORMATS),
        help="How to print the rows  [default: table]",
    )
    return choice(json_option(function))


def chosen_format(style: str | None, as_json: bool) -> str:
    """Return the one format asked for. Raises InvalidInputError for two."""
    if as_json and style not in (None, "json"):
        raise InvalidInputError(f"--json and --format {style} exclude each other")
    return "json" if as_json else style or "table"


def revision_argument(name: str = "revision", **settings: Any) -> Callable[[F], F]:
    """Add an argument that names a revision, with completion."""
    return click.argument(name, metavar=settings.pop("metavar", "REV"), shell_complete=complete_revision, **settings)


def branch_argument(name: str = "branch", **settings: Any) -> Callable[[F], F]:
    """Add an argument that names a branch, with completion."""
    return click.argument(name, metavar=settings.pop("metavar", "BRANCH"), shell_complete=complete_branch, **settings)


def print_json(session: Session, name: str, value: object) -> None:
    """Print a result in its envelope."""
    from modelhub.cli.output.as_json import envelope

    session.write([envelope(name, value, ascii_only=not session.terminal.unicode)])


def print_rows(
    session: Session, style: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Print a tabular result in a format other than table."""
    from modelhub.cli.output.formats import encode_rows

    session.write(encode_rows(style, name, columns, rows, ascii_only=not session.terminal.unicode))


def print_records(session: Session, style: str, name: str, records: Iterable[Any], columns: Sequence[str]) -> None:
    """Print dataclasses in a format other than table: JSON has all their fields, csv and md the given ones."""
    from modelhub.cli.output import as_json

    ascii_only = not session.terminal.unicode
    if style == "json":
        session.write(as_json.stream_list(name, records, ascii_only=ascii_only))
    elif style == "jsonl":
        session.write(as_json.one_line(record, ascii_only=ascii_only) for record in records)
    else:
        rows = ([as_json.field_value(record, column) for column in columns] for record in records)
        print_rows(session, style, name, columns, rows)


def source_options(command: F) -> F:
    """Add `--from` and `--relation`: what something was made from, as `sources` and `relations`."""
    source = click.option(
        "--from",
        "sources",
        metavar="REV[:PATH]",
        multiple=True,
        shell_complete=complete_revision,
        help="A version, or a file of it, that this was made from. May be repeated.",
    )
    relation = click.option(
        "--relation", "relations", metavar="KIND", multiple=True, help="How it was made from it  [default: fine-tune]"
    )
    return source(relation(command))
