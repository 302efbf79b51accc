"""`mh replay`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelhub.cli import exit_codes
from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.failures import Failure, show
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.replay_view import replay_lines
from modelhub.tracking.command_run import SIGNALLED, Outside
from modelhub.tracking.replay import ReplayResult, replay


@command(
    "replay",
    examples=[
        ("mh replay 3f2a", "Run it again from the folder as it was, and compare."),
        ("mh replay 3f2a --keep /tmp/again --strict", "Keep the folder; exit code 1 if anything is not identical."),
    ],
    exits={1: "with --strict: something is not identical", 7: "the run cannot be replayed, or its inputs have changed"},
)
@click.argument("run")
@click.option(
    "--keep", metavar="DIR", type=click.Path(path_type=Path), help="Run in DIR, which must be empty; keep it."
)
@click.option("--strict", is_flag=True, help="Exit with 1 unless all is identical.")
@json_option
@pass_session
def replay_command(session: Session, run: str, *, keep: Path | None, strict: bool, as_json: bool) -> int:
    """Run a recorded command again and compare.

    It runs in a clean folder that holds what the run started from, and is recorded as a run itself. What it prints goes
    to stderr. Compared are the outputs, each metric step by step, and the packages. RUN is an id or its beginning, or
    a name.
    """
    sys.stdout.flush()
    with session.progress() as progress:
        result = replay(
            session.repository,
            act=session.act(session.repository),
            run=run,
            outside=Outside(session.env, stdout=2, ready=progress.close),
            keep=None if keep is None else session.folder / keep,
            progress=progress,
            waiting=session.waiting,
        )
    for warning in result.warnings:
        session.warn(warning)
    if result.not_started is not None:
        hint = "programs are not kept with a run: install what it needs"
        show(Failure(result.exit_code, result.not_started, hint), session.talk)
        return result.exit_code
    if as_json:
        print_json(session, "replay", result)
    else:
        session.write(replay_lines(result, session.terminal))
        _explain(session, result)
    return exit_codes.NEGATIVE if strict and not result.identical else exit_codes.OK


def _explain(session: Session, result: ReplayResult) -> None:
    """Say what may be wrong where a command that did well failed; one that a signal ended was not at fault."""
    if result.status != "failed" or result.exit_code_before or result.exit_code > SIGNALLED:
        return
    needed = "a file that was not kept: name it with --input, or take it out of .mhignore"
    if result.packages:
        needed = f"other packages than those here, or {needed}"
    session.say(f"perhaps the command needs {needed}")
