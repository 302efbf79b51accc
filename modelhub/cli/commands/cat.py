"""`mh cat`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import pass_session, print_json
from modelhub.errors import InvalidInputError, StateError
from modelhub.porcelain.cat import cat, tensor_array

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
        ("mh cat HEAD:model.pt --tensor fc.bias --npy > bias.npy", "Get it for numpy."),
    ],
)
@click.argument("place", metavar="REV|RUN:PATH", shell_complete=complete_revision)
@click.option("-t", "--tensor", metavar="NAME", help="One tensor of the file instead of the file.")
@click.option("--npy", "form", flag_value="npy", help="Write the tensor as an .npy file.")
@click.option("--raw", "form", flag_value="raw", help="Write the tensor's bytes as they lie in the file.")
@click.option("--json", "form", flag_value="json", help="Print dtype, shape and all values as JSON.")
@pass_session
def cat_command(session: Session, place: str, tensor: str | None, form: str | None) -> None:
    """Print one file or one tensor of a version or run.

    Only what is asked for is read; every byte is checked. ':PATH' is short for HEAD:PATH. RUN is a name or id;
    RUN@STEP:PATH is the file as it was at that step.
    """
    place = _place(session, place)
    if tensor is None and form is not None:
        raise InvalidInputError(f"--{form} is for a tensor", hint="name it with --tensor; 'mh ls REV:PATH' lists them")
    if tensor is None or form == "raw":
        _write_bytes(session, cat(session.repository, place=place, tensor=tensor), place)
        return
    array = tensor_array(session.repository, place=place, tensor=tensor)
    if form == "json":
        print_json(
            session, "cat", {"name": tensor, "dtype": str(array.dtype), "shape": array.shape, "values": array.tolist()}
        )
    elif form == "npy":
        _refuse_terminal(session, place)
        _write_npy(array)
    else:
        session.write([f"{array.dtype} {list(array.shape)}", str(array)])


def _place(session: Session, text: str) -> str:
    if ":" not in text and (session.folder / text).is_file():
        hint = f"as last committed: mh cat HEAD:{session.path(text)}"
        raise InvalidInputError(f"'{text}' names no version", hint=hint)
    return session.place(text)


def _write_bytes(session: Session, blocks: Iterable[bytes | bytearray | memoryview], place: str) -> None:
    sys.stdout.flush()
    for block in blocks:
        if session.terminal.interactive and _CONTROL.search(block):
            _refuse_terminal(session, place)
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def _refuse_terminal(session: Session, place: str) -> None:
    if session.terminal.interactive:
        raise StateError(f"'{place}' is binary: it would upset the terminal", hint=f"mh cat {place} > FILE")


def _write_npy(array: Array) -> None:
    import numpy as np

    sys.stdout.flush()
    np.lib.format.write_array(sys.stdout.buffer, array, allow_pickle=False)
    sys.stdout.buffer.flush()
