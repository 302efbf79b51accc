"""`mh ls`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_records
from modelhub.cli.output.quantities import count, size
from modelhub.cli.output.tables import Cell, Column, render
from modelhub.cli.output.text import abbreviate, clean, cut_middle
from modelhub.cli.revisions import split_words
from modelhub.porcelain.ls import ListedFile, ListedTensor, list_tensors, ls

FILE_COLUMNS = ("path", "mode", "size", "oid", "format", "tensors")
TENSOR_COLUMNS = ("name", "dtype", "shape", "elements", "nbytes", "oid", "alias_of")


@command(
    "ls",
    splits_paths=True,
    examples=[
        ("mh ls", "The files of the current version."),
        ("mh ls v1 -- checkpoints", "The files in a folder of another version."),
        ("mh ls v1:checkpoints", "The same."),
        ("mh ls v1:model.safetensors", "The tensors in a file."),
        ("mh ls 3f2a", "What is kept of a run."),
    ],
)
@click.argument("words", metavar="[REV|RUN[:PATH]]", nargs=-1, shell_complete=complete_revision)
@format_option
@pass_session
def ls_command(session: Session, words: Sequence[str], style: str | None, as_json: bool) -> None:
    """List the files or tensors of a version or run.

    Of a run: what is kept of its inputs and outputs. RUN is a name or id, RUN@STEP what it wrote at that step.
    """
    chosen = chosen_format(style, as_json)
    if len(words) == 1 and words[0].partition(":")[2]:
        _list_place(session, session.place(words[0]), chosen)
        return
    revisions, paths = split_words(session, words, most=1)
    revision = revisions[0].removesuffix(":") if revisions else "HEAD"
    _show_files(session, ls(session.repository, revision=revision or "HEAD", paths=paths), chosen)


def _list_place(session: Session, place: str, style: str) -> None:
    """List what REV:PATH holds: the tensors of a file, the files of a folder."""
    tensors = list_tensors(session.repository, place=place)
    revision, _, path = place.partition(":")
    below = () if tensors else ls(session.repository, revision=revision or "HEAD", paths=(path,))
    if any(file.path != path for file in below):
        _show_files(session, below, style)
    else:
        _show_tensors(session, tensors, style)


def _show_files(session: Session, files: Sequence[ListedFile], style: str) -> None:
    if style != "table":
        print_records(session, style, "ls", files, FILE_COLUMNS)
        return
    rows = [
        (size(file.size), file.format or "", count(file.tensors, "tensor") if file.tensors else "", clean(file.path))
        for file in files
    ]
    layout = (Column(right=True), Column(rank=2), Column(right=True, rank=1), Column(least=16, cut=cut_middle))
    session.write(render(layout, rows, session.terminal, header=False))


def _show_tensors(session: Session, tensors: Sequence[ListedTensor], style: str) -> None:
    if style != "table":
        print_records(session, style, "ls.tensors", tensors, TENSOR_COLUMNS)
        return
    if not tensors:
        session.say("that file holds no tensors that are known")
    layout = (
        Column("tensor", least=24, cut=abbreviate),
        Column("dtype", rank=1),
        Column("shape", least=8),
        Column("size", right=True, rank=2),
        Column("", rank=3),
    )
    session.write(render(layout, [_tensor_row(tensor) for tensor in tensors], session.terminal))


def _tensor_row(tensor: ListedTensor) -> Sequence[str | Cell]:
    shared = f"= {clean(tensor.alias_of)}" if tensor.alias_of is not None else ""
    shape = f"[{', '.join(map(str, tensor.shape))}]"
    return (clean(tensor.name), tensor.dtype, shape, size(tensor.nbytes), Cell(shared, ("dim",)))
