"""`mh verify`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from modelhub.cli import exit_codes
from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_rows
from modelhub.cli.output.quantities import closeness, count, short, size, small
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import abbreviate, clean
from modelhub.porcelain.tensor_checks import TensorCheck
from modelhub.porcelain.verify import VerifiedFile, VerifiedParent, VerifyResult, verify

PARENT_COLUMNS = (
    "path", "relation", "evidence", "parent_commit", "parent_path", "parent_name", "verdict", "reason", "distance",
    "identical", "near", "far", "unrelated", "unclear", "reshaped", "added", "missing", "unreadable",
)  # fmt: skip
_COLOURS = {"confirmed": "green", "doubtful": "yellow", "contradicted": "red", "unchecked": "dim"}
_LAYOUT = (
    Column("tensor", least=16, cut=abbreviate),
    Column("standing"),
    Column("relative", right=True, rank=1),
    Column("correlation", right=True, rank=2),
    Column("size", right=True, rank=3),
)


@command(
    "verify",
    examples=[
        ("mh verify", "Check the parents of every model file of the current version."),
        ("mh verify v3:model.safetensors --tensors", "One file, tensor by tensor."),
        ("mh verify --strict", "Exit with 1 where the weights contradict a parent."),
    ],
    exits={1: "with --strict: the weights contradict a parent"},
)
@click.argument("place", metavar="[REV[:PATH]]", default="HEAD", shell_complete=complete_revision)
@click.option("--tensors", "each", is_flag=True, help="List every tensor.")
@click.option("--strict", is_flag=True, help="Exit with 1 where the weights contradict a parent.")
@format_option
@pass_session
def verify_command(session: Session, place: str, *, each: bool, strict: bool, style: str | None, as_json: bool) -> int:
    """Check what is said of a version's parents against its weights.

    Each tensor is identical to the parent's, near (correlation 0.75 or more), far (0.3 or more), unrelated, reshaped,
    or the parent has none of that name (added); 'missing' is what only the parent has. The correlation is the cosine
    with both means taken off. Of a constant, or of fewer than 48 values, it tells too little: such a tensor is unclear
    where it is not plainly near. It is listed and does not count, as masks and counters.

    A fine-tune is confirmed where half of its bytes are identical or near, contradicted where less than 5 % are of one
    origin. The distance is 0 for equal weights and 1.41 for unrelated ones; a model file of the history that is nearer
    than the stated parent is named.
    """
    chosen = chosen_format(style, as_json)
    with session.progress() as progress:
        result = verify(session.repository, place=session.place(place), progress=progress)
    if chosen == "json":
        print_json(session, "verify", result)
    elif chosen != "table":
        print_rows(session, chosen, "verify", PARENT_COLUMNS, _rows(result))
    elif result.files:
        session.page(_lines(session, result, each=each))
    else:
        session.say("no model files in that version")
    return exit_codes.NEGATIVE if strict and result.contradicted else exit_codes.OK


def _rows(result: VerifyResult) -> Iterator[Sequence[object]]:
    for file in result.files:
        for item in file.parents:
            tensors = {total.standing: total.tensors for total in item.totals}
            counts = [tensors.get(column, 0) for column in PARENT_COLUMNS[9:]]  # type: ignore[call-overload]
            yield (
                file.path, item.relation, item.evidence, item.commit, item.path, item.name, item.verdict, item.reason,
                item.distance, *counts,
            )  # fmt: skip


def _lines(session: Session, result: VerifyResult, *, each: bool) -> Iterator[str]:
    for number, file in enumerate(result.files):
        if number:
            yield ""
        yield from _file_lines(session, file, each=each)


def _file_lines(session: Session, file: VerifiedFile, *, each: bool) -> Iterator[str]:
    terminal = session.terminal
    yield (
        f"{terminal.style(clean(file.path), 'bold')}  {count(file.tensors, 'tensor')}, {size(file.nbytes)},"
        f" recorded by {terminal.style(short(file.commit), 'yellow')}"
    )
    for parent in file.parents:
        yield from _parent_lines(session, parent, each=each)
    if not file.parents:
        yield "  no parent is known"
        if file.nearest is not None and file.nearest.distance < 1.0:
            near = file.nearest
            where = f"{short(near.commit)}:{clean(near.path)}"
            yield (
                f"  the weights of {where}"
                if near.distance == 0
                else f"  nearest: {where}, distance {small(near.distance)}"
            )
    for warning in file.warnings:
        yield f"  {terminal.style('warning', 'yellow')}: {clean(warning)}"


def _parent_lines(session: Session, parent: VerifiedParent, *, each: bool) -> Iterator[str]:
    terminal = session.terminal
    verdict = terminal.style(parent.verdict, _COLOURS[parent.verdict])
    where = f"{short(parent.commit)}:{clean(parent.path)}".rstrip(":") if parent.commit else clean(parent.name)
    relation = "the version before" if parent.relation == "history" else clean(parent.relation)
    evidence = "" if parent.evidence == "history" else f" ({parent.evidence})"
    yield f"  {verdict}  {relation} {terminal.style(where, 'cyan')}{evidence}"
    yield f"    {clean(parent.reason)}"
    if parent.totals:
        yield "    " + ", ".join(
            f"{total.standing} {count(total.tensors, 'tensor')} {size(total.nbytes)}" for total in parent.totals
        )
    if parent.distance is not None:
        yield f"    distance {small(parent.distance)}"
    if each and parent.tensors:
        yield from render(_LAYOUT, [_tensor_row(item) for item in _movement(parent)], terminal, indent=4)


def _movement(parent: VerifiedParent) -> list[TensorCheck]:
    """The tensors that moved most come first; those that could not be compared last."""
    return sorted(parent.tensors, key=lambda item: 2.0 if item.correlation is None else item.correlation)


def _tensor_row(item: TensorCheck) -> Row:
    style = () if item.is_telling else ("dim",)
    return (
        Cell(clean(item.name or item.other or ""), style),
        item.standing,
        small(item.relative),
        closeness(item.correlation),
        size(item.nbytes),
    )
