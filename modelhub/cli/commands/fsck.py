"""`mh fsck`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import click

from modelhub.cli import exit_codes
from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, short, size
from modelhub.cli.output.text import clean
from modelhub.porcelain.fsck import FsckResult, Problem, fsck

MOST_LISTED = 5


@command(
    "fsck",
    examples=[
        ("mh fsck", "Check every stored byte against its checksum, and the history."),
        ("mh fsck --full", "Decode and hash every object as well."),
        ("mh fsck --repair", "Mend what can be made anew from the rest."),
    ],
    exits={1: "something is damaged and was not repaired"},
)
@click.option("--full", is_flag=True, help="Decode and hash everything.")
@click.option(
    "--repair",
    is_flag=True,
    help="Make anew what can be: pointer, index, catalog, and objects from files in the folder.",
)
@json_option
@pass_session
def fsck_command(session: Session, full: bool, repair: bool, as_json: bool) -> int:
    """Check that everything stored is whole.

    Says of each damage which commits, files and tensors it touches; all others are safe. That the log of an ended run
    breaks off is a remark: what was logged before is there, and nothing that was recorded is lost.
    """
    with session.progress() as progress:
        result = fsck(session.repository, full=full, repair=repair, progress=progress)
    if as_json:
        fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        print_json(session, "fsck", {**fields, "ok": result.ok})
    else:
        session.write(_lines(session, result))
    return exit_codes.OK if result.ok else exit_codes.NEGATIVE


def _lines(session: Session, result: FsckResult) -> Iterator[str]:
    for problem in result.problems:
        yield from _problem_lines(session, problem)
    for remark in result.remarks:
        yield f"{session.terminal.style('remark', 'yellow')} {clean(remark.place)}: {clean(remark.problem)}"
    for repaired in result.repaired:
        yield f"{session.terminal.style('repaired', 'green')} {clean(repaired)}"
    checked = f"{count(result.objects, 'object')}, {size(result.stored_nbytes)}"
    if result.ok:
        yield f"{session.terminal.style('whole', 'green')}: {checked} checked"
    else:
        damaged = session.terminal.style(count(len(result.problems), "problem"), "bold", "red")
        yield f"{damaged}; {checked} are whole"


def _problem_lines(session: Session, problem: Problem) -> Iterator[str]:
    what = problem.problem.rpartition(" is damaged: ")[2]
    yield f"{session.terminal.style('damaged', 'red')} {clean(problem.place)}: {clean(what)}"
    if problem.oid is not None:
        yield f"  object {problem.oid}"
    yield from _listed("commits", [short(commit) for commit in problem.commits])
    yield from _listed("files", problem.files)
    yield from _listed("tensors", problem.tensors)


def _listed(title: str, names: Sequence[str]) -> Iterator[str]:
    if not names:
        return
    yield (
        f"  {title}: "
        + ", ".join(map(clean, names[:MOST_LISTED]))
        + (f" and {len(names) - MOST_LISTED} more (--json lists all)" if len(names) > MOST_LISTED else "")
    )
