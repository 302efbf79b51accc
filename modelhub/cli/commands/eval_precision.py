"""`mh eval-precision`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence

import click

from modelhub.cli import exit_codes
from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.quantities import number, share, short, size, small
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError
from modelhub.tracking.command_run import Outside
from modelhub.tracking.precision import DEFAULT_SCHEMES, Evaluation, PrecisionResult, PrecisionRow, eval_precision
from modelhub.weights.schemes import SCHEMES


@command(
    "eval-precision",
    examples=[
        ("mh eval-precision HEAD:model.safetensors -- python evaluate.py", "Every scheme, by what evaluate.py prints."),
        ("mh eval-precision v1:model.pt --as fixed8 --as quantized-4 -- ./eval.sh", "Two schemes of your choice."),
    ],
    exits={1: "the command failed for every scheme", 7: "the command failed on the model as it is"},
)
@click.argument("place", metavar="REV:PATH", shell_complete=complete_revision)
@click.argument("words", metavar="-- CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--as",
    "schemes",
    multiple=True,
    metavar="KIND",
    help=f"Measure KIND; may be repeated: {SCHEMES}  [default: {', '.join(DEFAULT_SCHEMES)}]",
)
@click.option("--metric", default="", metavar="NAME", help="The metric to take  [default: the first that is printed].")
@json_option
@pass_session
def eval_precision_command(
    session: Session, place: str, words: Sequence[str], *, schemes: Sequence[str], metric: str, as_json: bool
) -> int:
    """Measure size against accuracy of lossy copies.

    CMD is run on the model as it is, then with its numbers rounded to those that each scheme has, in the file's own
    format. It runs in a new folder with the files of the version, MH_MODEL is the path of the model, and its result is
    the last line of JSON it prints: {"accuracy": 0.98}. Size is what modelhub stores for the weights (the encoded
    blocks of every float tensor, no delta, with the tables) as a share of 4 bytes for each weight.
    """
    if not words[0]:
        raise InvalidInputError("the command is empty", hint="mh eval-precision HEAD:model.pt -- python evaluate.py")
    repository = session.repository
    sys.stdout.flush()
    with session.progress() as progress:
        result = eval_precision(
            repository,
            place=session.place(place),
            evaluation=Evaluation(tuple(words), session.path("."), metric),
            outside=Outside(session.env, stderr=2),
            schemes=schemes or DEFAULT_SCHEMES,
            progress=progress,
        )
    if as_json:
        print_json(session, "eval-precision", result)
    else:
        session.write(_lines(session, result))
    return exit_codes.NEGATIVE if result.failed else exit_codes.OK


def _lines(session: Session, result: PrecisionResult) -> Iterator[str]:
    terminal = session.terminal
    yield (
        f"{terminal.style(clean(result.path), 'bold')} of {terminal.style(short(result.commit), 'yellow')},"
        f" {size(result.raw_nbytes)} of weights as float32"
    )
    is_share = "loss" not in result.metric and all(0.0 <= (row.metric or 0.0) <= 1.0 for row in result.rows)
    layout = (
        Column("scheme"),
        Column("size", right=True),
        Column("factor", right=True),
        Column(clean(result.metric), right=True),
        Column("points" if is_share else "change", right=True),
        Column("relative error", right=True, rank=1),
        Column(least=20),
    )
    yield from render(layout, [_row(row, points=is_share) for row in result.rows], terminal)


def _row(row: PrecisionRow, *, points: bool) -> Row:
    factor = "-" if row.factor is None else f"{row.factor:.1f}"
    note = Cell(clean(row.problem), ("red",)) if row.problem else f"{row.overflowed} infinite" if row.overflowed else ""
    return (
        row.scheme,
        share(row.share),
        factor,
        number(row.metric),
        _change(row.change, points=points),
        small(row.relative),
        note,
    )


def _change(change: float | None, *, points: bool) -> str:
    if change is None or math.isnan(change):
        return "-"
    if change == 0:
        return "="
    return f"{change * 100:+.2f}" if points else f"{change:+.4g}"
