"""`mh plot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.destination import save_bytes
from modelhub.cli.output.quantities import count
from modelhub.errors import InvalidInputError
from modelhub.porcelain.curves import MOST_CURVES, curves

PICTURES = {".svg": "svg", ".png": "png"}


@command(
    "plot",
    examples=[
        ("mh plot loss", "The loss of the newest runs, in the terminal."),
        ("mh plot loss accuracy v1 v2 -o curves.svg", "Two metrics of the runs of two versions, as a picture."),
        ("mh plot loss --x time --smooth 20 --log-y -o loss.png", "Smoothed, over time, on a logarithmic axis."),
    ],
)
@click.argument("words", metavar="METRIC... [REV|RUN...]", nargs=-1, required=True, shell_complete=complete_revision)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Draw into FILE, an .svg or .png."
)
@click.option("--x", "axis", default="step", show_default=True, metavar="AXIS", help="step, time, or a logged metric.")
@click.option(
    "--smooth", type=click.IntRange(min=1), default=1, metavar="N", help="Show means of N points, what was logged pale."
)
@click.option("--replays", is_flag=True, help="Replays of runs too.")
@click.option("--log-y", is_flag=True, help="A logarithmic axis for the values.")
@click.option(
    "-n",
    "--max-count",
    "limit",
    type=click.IntRange(min=1),
    default=MOST_CURVES,
    show_default=True,
    metavar="N",
    help="At most N curves.",
)
@json_option
@pass_session
def plot_command(
    session: Session, words: Sequence[str], *, output: Path | None, log_y: bool, as_json: bool, **options: Any
) -> None:
    """Draw the curves of metrics.

    Runs are named by name, id, or a version that took them in; without any the newest are drawn. Replays are left out,
    unless they are named or --replays asks for them. A metric that no run
    has is drawn along the history.
    """
    form = _form(output)
    result = curves(
        session.repository,
        words=words,
        x=options["axis"],
        smooth=options["smooth"],
        limit=options["limit"],
        replays=options["replays"],
    )
    if as_json:
        print_json(session, "plot", result)
    elif output is not None:
        from modelhub.cli.output.figure import draw

        save_bytes(output, draw(result, form, log_y=log_y))
        session.say(f"drawn into '{output}'")
    else:
        from modelhub.cli.output.terminal_plot import chart_lines

        session.write(chart_lines(result, session.terminal, log_y=log_y))
    if result.left_out:
        session.say(f"{count(result.left_out, 'curve')} left out: name runs or versions, -n N draws N")


def _form(output: Path | None) -> str:
    if output is None:
        return ""
    form = PICTURES.get(output.suffix.lower())
    if form is None:
        raise InvalidInputError(f"'{output}' is no name of a picture", hint="-o takes a name in .svg or .png")
    return form
