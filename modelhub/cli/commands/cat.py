"""`mh cat`."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import pass_session, print_json
from modelhub.cli.output.destination import save_blocks
from modelhub.errors import InvalidInputError, StateError
from modelhub.oid import Bytes
from modelhub.porcelain.cat import cat, parse_rows, tensor_array, tensor_bounds

if TYPE_CHECKING:
    from modelhub.weights.arrays import Array

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@command(
    "cat",
    examples=[
        ("mh cat v1:train.py", "Print a file of a version."),
        ("mh cat v1:model.pt > old.pt", "Get a file without touching the folder."),
        ("mh cat 3f2a@500:model.pt > early.pt", "Get a checkpoint of a run that was overwritten later."),
        ("mh cat HEAD:model.pt --tensor fc.bias", "Look at the values of a tensor."),
        ("mh cat HEAD:model.pt --tensor fc.weight --rows 0:10", "Look at its first ten rows, reading no others."),
        ("mh cat HEAD:model.pt --tensor fc.weight --precision 2", "Bounds of its values, by two bytes of each."),
        ("mh cat HEAD:model.pt --tensor fc.bias -o bias.npy", "Get it for numpy: np.load('bias.npy')."),
    ],
)
@click.argument("place", metavar="REV|RUN:PATH", shell_complete=complete_revision)
@click.option("-t", "--tensor", metavar="NAME", help="One tensor of the file instead of the file.")
@click.option("--rows", metavar="A:B", help="Of the tensor only rows A to B - 1; as in Python, -5: are the last five.")
@click.option(
    "--precision",
    metavar="N",
    type=click.IntRange(min=1),
    help="Read the N high-order bytes of each number, and print between which numbers it lies.",
)
@click.option("--npy", "form", flag_value="npy", help="Write the tensor as an .npy file.")
@click.option("--raw", "form", flag_value="raw", help="Write the tensor's bytes as they lie in the file.")
@click.option("--json", "form", flag_value="json", help="Print dtype, shape and all values as JSON.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to FILE, in one step; a tensor as .npy unless --raw is said.",
)
@pass_session
def cat_command(session: Session, place: str, **options: Any) -> None:
    """Print one file or one tensor of a version or run.

    Only what is asked for is read; every byte is checked. A tensor is printed as text, long ones in brief, also into a
    pipe: --npy, --raw and --json have every value. With --precision there are two arrays, lower and upper; as .npy they
    are one, with one more axis before. ':PATH' is short for HEAD:PATH. RUN is a name or id; RUN@STEP:PATH is the file
    as it was at that step.
    """
    place = _place(session, place)
    _check(options)
    tensor, form, output = options["tensor"], options["form"], options["output"]
    rows = None if options["rows"] is None else parse_rows(options["rows"])
    if tensor is None or form == "raw":
        _write_bytes(session, cat(session.repository, place=place, tensor=tensor, rows=rows), place, output)
        return
    arrays = _arrays(session, place, tensor, rows, options["precision"])
    first = next(iter(arrays.values()))
    if form == "json":
        found = {name: array.tolist() for name, array in arrays.items()}
        print_json(session, "cat", {"name": tensor, "dtype": str(first.dtype), "shape": first.shape, **found})
    elif form == "npy" or output is not None:
        _write_bytes(session, [_npy(list(arrays.values()))], place, output)
    else:
        lines = [f"{first.dtype} {list(first.shape)}"]
        for name, array in arrays.items():
            lines += [str(array)] if name == "values" else [name, str(array)]
        session.write(lines)


def _check(options: dict[str, Any]) -> None:
    """Raise InvalidInputError for options that do not go together."""
    form, precision = options["form"], options["precision"]
    said = {"--rows": options["rows"], "--precision": precision, f"--{form}": form}
    if options["tensor"] is None and any(value is not None for value in said.values()):
        option = next(name for name, value in said.items() if value is not None)
        raise InvalidInputError(f"{option} is for a tensor", hint="name it with --tensor; 'mh ls REV:PATH' lists them")
    if form == "json" and options["output"] is not None:
        raise InvalidInputError("-o writes .npy or bytes", hint="--json prints: mh cat ... --json > FILE")
    if form == "raw" and precision is not None:
        raise InvalidInputError("--raw has no bounds", hint="--npy writes the lower and the upper array")


def _arrays(session: Session, place: str, tensor: str, rows: slice | None, precision: int | None) -> dict[str, Array]:
    if precision is None:
        return {"values": tensor_array(session.repository, place=place, tensor=tensor, rows=rows)}
    found = tensor_bounds(session.repository, place=place, tensor=tensor, rows=rows, precision=precision)
    return {"lower": found.lower, "upper": found.upper}


def _place(session: Session, text: str) -> str:
    if ":" not in text and (session.folder / text).is_file():
        hint = f"as last committed: mh cat HEAD:{session.path(text)}"
        raise InvalidInputError(f"'{text}' names no version", hint=hint)
    return session.place(text)


def _write_bytes(session: Session, blocks: Iterable[Bytes], place: str, output: Path | None) -> None:
    if output is not None:
        save_blocks(session.folder / output, blocks)
        return
    sys.stdout.flush()
    for block in blocks:
        if session.terminal.interactive and _CONTROL.search(block):
            raise StateError(f"'{place}' is binary: it would upset the terminal", hint=f"mh cat {place} -o FILE")
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def _npy(arrays: Sequence[Array]) -> Bytes:
    """Return an .npy file of the array, or of several as one."""
    import numpy as np

    file = io.BytesIO()
    np.lib.format.write_array(file, arrays[0] if len(arrays) == 1 else np.stack(arrays), allow_pickle=False)
    return file.getbuffer()
