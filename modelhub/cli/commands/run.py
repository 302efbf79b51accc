"""`mh run`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.facts import parse_params, parse_sources
from modelhub.cli.failures import Failure, show
from modelhub.cli.options import pass_session, source_options
from modelhub.cli.output.quantities import count, duration
from modelhub.errors import InvalidInputError
from modelhub.tracking.beginning import RunSpec
from modelhub.tracking.command_run import CommandResult, Outside, Surroundings, command_run
from modelhub.tracking.values import as_tags, as_title


@command(
    "run",
    examples=[
        ("mh run -- python train.py --lr 0.001", "Record the folder, then what the command prints and how it ends."),
        ("mh run --param lr=0.001 -- ./train.sh", "Say a param, where the command does not do so itself."),
        ("mh run --input data.csv --output model.pt -- ./train.sh", "Say what goes in and out."),
        ("mh run --from v1:model.pt --relation quantize -- python quantize.py", "Say what the result is made from."),
    ],
    exits={127: "there is no such command; else the command's own code, 128 + N where signal N ended it"},
)
@click.argument("words", metavar="[--] CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--name", help="A name for the run.")
@click.option("--param", "params", metavar="NAME=VALUE", multiple=True, help="A hyperparameter. May be repeated.")
@click.option("--tag", "tags", metavar="NAME=TEXT", multiple=True, help="A tag. May be repeated.")
@source_options
@click.option(
    "--input", "inputs", metavar="PATH|REV:PATH", multiple=True, help="What the command reads. May be repeated."
)
@click.option(
    "--output",
    "outputs",
    metavar="PATH",
    multiple=True,
    help="What it writes; kept when it has ended. May be repeated.",
)
@click.option("--no-snapshot", is_flag=True, help="Do not record the folder first: such a run cannot be replayed.")
@pass_session
def run_command(session: Session, words: Sequence[str], **options: Any) -> int:
    """Run a command and record it as a training run.

    The folder, the code and the inputs are hashed and stored before it starts; what it prints is kept. The next 'mh
    commit' takes the run in. A Python script joins the run with modelhub.run(), to log metrics.
    """
    if not words[0]:
        raise InvalidInputError("the command is empty", hint="mh run -- python train.py")
    repository = session.repository
    spec = RunSpec(
        name=as_title(options["name"]),
        command=tuple(words),
        params=parse_params(options["params"]),
        tags=as_tags(dict(map(_tag, options["tags"]))),
        sources=parse_sources(options["sources"], options["relations"]),
        inputs=tuple(options["inputs"]),
        snapshot=not options["no_snapshot"],
    )
    sys.stdout.flush()
    with session.progress() as progress:
        outside = Outside(session.env, ready=progress.close)
        result = command_run(
            repository,
            act=session.act(repository),
            spec=spec,
            outputs=options["outputs"],
            surroundings=Surroundings(repository.layout.root, session.folder, outside),
            progress=progress,
            waiting=session.waiting,
        )
    _tell(session, result)
    return result.exit_code


run_command.allow_interspersed_args = False


def _tag(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals:
        raise InvalidInputError(f"--tag takes NAME=TEXT, not '{word}'", hint="for example --tag machine=a100")
    return name, text


def _tell(session: Session, result: CommandResult) -> None:
    for warning in result.warnings:
        session.warn(warning)
    if result.not_started is not None:
        show(Failure(result.exit_code, result.not_started, f"the run {result.run} is kept as failed"), session.talk)
        return
    made = f", {count(len(result.outputs), 'output')}" if result.outputs else ""
    code = f" with exit code {result.exit_code}" if result.exit_code else ""
    session.say(f"run {result.run} {result.status}{code} after {duration(result.duration_ms)}{made}")
