"""`mh op`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_records
from modelhub.cli.output.quantities import ago, count, short
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean
from modelhub.porcelain.operations import OperationInfo, RefChange, operation_log

CSV_COLUMNS = ("oid", "sequence", "time", "author", "command", "undoes")


@click.group("op")
def op_command() -> None:
    """Look at the operations on this repository.

    Every command that moved a branch, a tag or HEAD is one operation. 'mh undo' takes one back.
    """


@command(
    "log",
    examples=[("mh op log -n 5", "The last five operations."), ("mh undo 3f2a9c", "Take one of them back.")],
)
@click.option("-n", "--max-count", "limit", metavar="N", type=click.IntRange(min=0), help="At most N operations.")
@format_option
@pass_session
def op_log_command(session: Session, limit: int | None, style: str | None, as_json: bool) -> None:
    """Show the operations, newest first.

    Each says by which command it was made, who made it and when, and what it moved.
    """
    found = operation_log(session.repository, limit)
    chosen = chosen_format(style, as_json)
    if chosen != "table":
        print_records(session, chosen, "op.log", found, CSV_COLUMNS)
        return
    session.page(_lines(found, session.terminal))


def _lines(found: Sequence[OperationInfo], terminal: Terminal) -> Iterator[str]:
    now = time.time_ns() // 1_000_000
    for operation in found:
        oid = terminal.style(short(operation.oid), "yellow")
        undoes = f" (undoes {short(operation.undoes)})" if operation.undoes else ""
        yield f"{oid} mh {clean(operation.command)}{undoes}"
        yield terminal.style(f"           {clean(str(operation.author))}, {ago(operation.time, now)}", "dim")
        if operation.forgot:
            yield f"           {count(operation.forgot, 'version')} forgotten"
        if operation.remembered:
            yield f"           {count(operation.remembered, 'version')} no longer forgotten"
        for change in operation.changes:
            yield f"           {_change(change, terminal)}"


def _change(change: RefChange, terminal: Terminal) -> str:
    arrow = "→" if terminal.unicode else "->"
    return f"{_name(change.name)}: {_name(change.old)} {arrow} {_name(change.new)}"


def _name(text: str | None) -> str:
    """Return a ref's short name, an id's beginning, 'none'."""
    if text is None:
        return "none"
    if text.startswith("refs/"):
        return clean(text.split("/", 2)[2])
    return clean(short(text) if len(text) == 64 else text)


op_command.add_command(op_log_command)
