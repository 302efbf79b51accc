"""`mh add`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.changes_view import change_lines
from modelhub.cli.output.quantities import count, size
from modelhub.errors import InvalidInputError
from modelhub.porcelain.add import AddResult, add


@command(
    "add",
    examples=[
        ("mh add model.safetensors", "Stage one file: the next commit records only what is staged."),
        ("mh add .", "Stage every change below this folder, deleted files too."),
    ],
)
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(readable=False))
@click.option("-A", "--all", "everything", is_flag=True, help="Stage every change in the repository.")
@json_option
@pass_session
def add_command(session: Session, paths: Sequence[str], everything: bool, as_json: bool) -> None:
    """Stage changed files for the next commit.

    Their content is stored at once. You need this only to record a part of what changed: with nothing staged, 'mh
    commit' records everything.
    """
    if not paths and not everything:
        raise InvalidInputError(
            "no path is given", hint="'mh add .' stages all below this folder, 'mh add -A' everything"
        )
    chosen = ("",) if everything else session.paths(paths)
    with session.progress() as progress:
        result = add(session.repository, paths=chosen, progress=progress, waiting=session.waiting)
    for warning in result.warnings:
        session.warn(warning)
    if as_json:
        print_json(session, "add", result)
        return
    _tell(session, result)


def _tell(session: Session, result: AddResult) -> None:
    if not result.added:
        session.say("nothing to stage: no change there")
        return
    for line in change_lines(result.added, session.talk, shown=session.shown):
        session.say(line)
    session.say(stored(result.new_nbytes, result.stored_nbytes, result.tensors_new, result.tensors_shared))


def stored(raw_nbytes: int, stored_nbytes: int, new: int, shared: int) -> str:
    """Return what recording cost: '268 MB recorded, the store grew by 60.1 MB; 3 new tensors, 101 shared'."""
    tensors = f"; {count(new, 'new tensor')}, {shared} shared" if new or shared else ""
    return f"{size(raw_nbytes)} recorded, the store grew by {size(stored_nbytes)}{tensors}"
