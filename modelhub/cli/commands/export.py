"""`mh export`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, share, size, small
from modelhub.cli.output.text import clean
from modelhub.porcelain.export import ExportResult, export
from modelhub.weights.schemes import SCHEMES

MOST_OVERFLOWS = 5


@command(
    "export",
    examples=[
        ("mh export v1:model.safetensors --as float16", "Half the size, into model.float16.safetensors beside it."),
        ("mh export HEAD:model.pt --as fixed8 -o small.safetensors", "One byte a number, of any model file."),
        ("mh export HEAD:model.pt --as quantized-4 --dequantized", "Sixteen values a tensor, for any loader."),
    ],
    exits={3: "a file of that name is there already"},
)
@click.argument("place", metavar="REV:PATH", shell_complete=complete_revision)
@click.option("--as", "scheme", required=True, metavar="KIND", help=f"How to write the numbers: {SCHEMES}.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write into FILE, a .safetensors  [default: beside PATH, with KIND in the name].",
)
@click.option("--dequantized", is_flag=True, help="Write the values that the codes stand for, not the codes.")
@click.option("-f", "--force", is_flag=True, help="Overwrite the file if it is there.")
@json_option
@pass_session
def export_command(
    session: Session, place: str, *, scheme: str, output: Path | None, dequantized: bool, force: bool, as_json: bool
) -> None:
    """Write a lossy copy of a model.

    The copy is a safetensors file. float16 and bfloat16 change the dtype of every float tensor. fixed16 and fixed8
    write whole multiples of a power of two, quantized-K places in a table of 2^K values; both as codes, and leave
    vectors as they are. --dequantized keeps the dtype and only rounds, so that any loader reads the file. The next
    'mh commit' that has the file records that it was made from REV:PATH.
    """
    with session.progress() as progress:
        result = export(
            session.repository,
            place=session.place(place),
            scheme=scheme,
            output=None if output is None else session.folder / output,
            dequantized=dequantized,
            force=force,
            progress=progress,
        )
    if as_json:
        print_json(session, "export", result)
    else:
        session.write(_lines(session, result))
    _warn(session, result)
    if result.inside and result.source:
        session.say(f"'mh commit' takes it in as a '{result.relation}' of {clean(_short(result.source))}")
    elif result.inside:
        session.say("no version has the model it was made from: the lineage will not know it")


def _lines(session: Session, result: ExportResult) -> Iterator[str]:
    where = session.shown(_inner(session, result.path)) if result.inside else clean(result.path)
    before, after = result.nbytes_before, result.nbytes_after
    yield (
        f"{session.terminal.style(where, 'bold')}  {size(before)} -> {size(after)}, {share(after / before)} of it"
        f" ({before / after:.3g} times smaller)"
    )
    kept = f", {result.kept} left as they are" if result.kept else ""
    yield f"  {count(len(result.tensors), 'tensor')} as {result.scheme}{kept}"
    worst = result.worst
    if worst is not None:
        yield f"  largest relative error {small(worst.relative)}, of {clean(worst.name)}"
        yield f"  {count(result.overflowed, 'value')} became infinite, {result.zeroed} became 0"


def _warn(session: Session, result: ExportResult) -> None:
    """Say which tensors have values that the scheme is too narrow for."""
    broken = [item for item in result.tensors if item.overflowed]
    for item in broken[:MOST_OVERFLOWS]:
        session.warn(f"'{item.name}': {count(item.overflowed, 'value')} too large for {result.scheme}, now infinite")
    if len(broken) > MOST_OVERFLOWS:
        session.warn(f"and {len(broken) - MOST_OVERFLOWS} more tensors: --json lists them")
    if not result.tensors:
        session.warn(f"no tensor of it can be written smaller as {result.scheme}: the copy is as large")


def _inner(session: Session, path: str) -> str:
    root = session.repository.layout.root
    place = Path(path)
    resolved = place.parent.resolve() / place.name
    return resolved.relative_to(root.resolve()).as_posix()


def _short(source: str) -> str:
    commit, _, path = source.partition(":")
    return f"{commit[:10]}:{path}"
