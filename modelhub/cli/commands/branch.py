"""`mh branch`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_branch
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records
from modelhub.cli.output.quantities import short
from modelhub.cli.output.tables import Cell, Column, render
from modelhub.cli.output.text import clean, cut_middle
from modelhub.errors import InvalidInputError, StateError
from modelhub.porcelain.branch import branches, create_branch, delete_branch, rename_branch

CSV_COLUMNS = ("name", "commit", "current", "summary", "time")
COLUMNS = (Column(), Column(least=8, cut=cut_middle), Column(), Column(least=10, rank=1))


@command(
    "branch",
    examples=[
        ("mh branch", "List the branches."),
        ("mh branch idea v1", "Make a branch at a version, without going there."),
        ("mh branch -m idea distilled", "Rename a branch."),
        ("mh branch -d distilled", "Delete it, if its commits are held elsewhere."),
    ],
    exits={3: "the name is taken", 7: "-d would give up commits that nothing else holds"},
)
@click.argument("names", metavar="[NAME [START]]", nargs=-1, shell_complete=complete_branch)
@click.option("-d", "--delete", is_flag=True, help="Delete branches.")
@click.option("-D", "delete_anyway", is_flag=True, help="Delete branches even if only they hold some commits.")
@click.option("-m", "--move", "rename", is_flag=True, help="Rename: OLD NEW, or NEW for the current branch.")
@click.option("-f", "--force", is_flag=True, help="Replace a branch of that name.")
@format_option
@pass_session
def branch_command(
    session: Session,
    names: Sequence[str],
    *,
    delete: bool,
    delete_anyway: bool,
    rename: bool,
    force: bool,
    style: str | None,
    as_json: bool,
) -> None:
    """List, make, rename or delete branches."""
    if delete or delete_anyway:
        _delete(session, names, force=delete_anyway or force)
    elif rename:
        _rename(session, names, force=force)
    elif names:
        _create(session, names, force=force, as_json=as_json)
    else:
        _list(session, chosen_format(style, as_json))


def _list(session: Session, style: str) -> None:
    found = branches(session.repository)
    if style != "table":
        print_records(session, style, "branch", found, CSV_COLUMNS)
        return
    if not found:
        session.say("no branch has a commit yet")
    rows = [
        (
            "*" if branch.current else " ",
            Cell(clean(branch.name), ("green",) if branch.current else ()),
            Cell(short(branch.commit), ("yellow",)),
            clean(branch.summary),
        )
        for branch in found
    ]
    session.write(render(COLUMNS, rows, session.terminal, header=False))


def _create(session: Session, names: Sequence[str], *, force: bool, as_json: bool) -> None:
    if len(names) > 2:
        raise InvalidInputError("too many names", hint="mh branch NAME [START]")
    start = names[1] if len(names) == 2 else "HEAD"
    repository = session.repository
    made = create_branch(repository, act=session.act(repository), name=names[0], start=start, force=force)
    if as_json:
        print_json(session, "branch", made)
    else:
        session.say(f"branch '{clean(made.name)}' is at {short(made.commit)} (go there: mh switch {clean(made.name)})")


def _delete(session: Session, names: Sequence[str], *, force: bool) -> None:
    if not names:
        raise InvalidInputError("no branch is named", hint="mh branch -d NAME")
    for name in names:
        commit = delete_branch(session.repository, act=session.act(session.repository), name=name, force=force)
        session.say(f"branch '{clean(name)}' is deleted; it was at {short(commit)}")


def _rename(session: Session, names: Sequence[str], *, force: bool) -> None:
    repository = session.repository
    if len(names) not in (1, 2):
        raise InvalidInputError("-m takes one or two names", hint="mh branch -m OLD NEW")
    old = names[0] if len(names) == 2 else repository.refs.branch
    if old is None:
        raise StateError("HEAD is detached: no branch is current", hint="mh branch -m OLD NEW")
    made = rename_branch(repository, act=session.act(repository), old=old, new=names[-1], force=force)
    session.say(f"branch '{clean(old)}' is called '{clean(made.name)}' now")
