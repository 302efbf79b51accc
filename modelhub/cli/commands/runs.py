"""`mh runs`."""

from __future__ import annotations

import time

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records, print_rows
from modelhub.cli.output.quantities import count
from modelhub.cli.output.run_view import run_lines, shown_run_lines
from modelhub.errors import InvalidInputError
from modelhub.porcelain.runs import ListedRun, RunsResult, runs
from modelhub.repository.objects import RunStatus
from modelhub.tracking.show_run import show_run

RUN_COLUMNS = ("run", "name", "status", "started", "duration_s", "command", "exit_code", "points", "commit")
MOST_RUNS = 20


@command(
    "runs",
    examples=[
        ("mh runs", "The newest runs."),
        ("mh runs 3f2a --output", "One of them, with the end of what it printed."),
        ("mh runs --status failed --json", "For programs."),
        ("mh compare 3f2a 91c0", "Two of them side by side."),
    ],
)
@click.argument("run", required=False)
@click.option("-n", "--limit", metavar="N", type=click.IntRange(min=1), help=f"At most N runs  [default: {MOST_RUNS}]")
@click.option(
    "--status",
    type=click.Choice(["running", "finished", "failed", "interrupted"]),
    help="Only those of this status.",
)
@click.option("--pending", is_flag=True, help="Only those that no version has taken in.")
@click.option("--replays", is_flag=True, help="Replays of runs too.")
@click.option("--output", is_flag=True, help="With RUN: the end of what it printed.")
@format_option
@pass_session
def runs_command(
    session: Session,
    run: str | None,
    *,
    limit: int | None,
    status: RunStatus | None,
    style: str | None,
    as_json: bool,
    **flags: bool,
) -> None:
    """List training runs, or show one.

    Newest first; replays are left out, unless --replays asks for them. RUN is an id or its beginning, or a name. 'mh ls
    RUN' lists the files that are kept of it, 'mh cat RUN:PATH' prints one.
    """
    chosen = chosen_format(style, as_json)
    if run is not None:
        _show(session, run, chosen, output=flags["output"])
        return
    if flags["output"]:
        raise InvalidInputError("--output shows what one run printed", hint="name it: mh runs RUN --output")
    result = runs(
        session.repository,
        limit=limit or MOST_RUNS,
        status=status,
        pending=flags["pending"],
        replays=flags["replays"],
    )
    _list(session, result, chosen)


def _list(session: Session, result: RunsResult, chosen: str) -> None:
    if chosen in ("json", "jsonl"):
        print_records(session, chosen, "runs", result.runs, RUN_COLUMNS)
    elif chosen != "table":
        names = sorted({name for run in result.runs for name in run.metrics})
        print_rows(session, chosen, "runs", (*RUN_COLUMNS, *names), [_row(run, names) for run in result.runs])
    elif result.runs:
        session.page(run_lines(result.runs, session.terminal, int(time.time() * 1000)))
    else:
        session.say("there are no such runs: 'mh run -- CMD' or modelhub.run() makes one")
    if result.more:
        session.say("there are more: -n N shows N")
    if result.replays:
        session.say(f"{count(result.replays, 'replay')} left out: --replays lists them too")


def _row(run: ListedRun, names: list[str]) -> list[object]:
    values = [run.metrics[name].last if name in run.metrics else None for name in names]
    return [*(getattr(run, column) for column in RUN_COLUMNS), *values]


def _show(session: Session, run: str, chosen: str, *, output: bool) -> None:
    if chosen not in ("table", "json"):
        raise InvalidInputError(f"one run cannot be printed as {chosen}", hint="--json prints it")
    shown = show_run(session.repository, run)
    if chosen == "json":
        print_json(session, "run", shown)
    else:
        session.page(shown_run_lines(shown, session.terminal, output=output))
