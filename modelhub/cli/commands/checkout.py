"""`mh checkout`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from modelhub.cli.command import command, paths_after_dashes
from modelhub.cli.commands.restore import restore_paths
from modelhub.cli.commands.switch import tell_where
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import force_option, json_option, pass_session, print_json
from modelhub.errors import InvalidInputError, RefNotFound
from modelhub.porcelain.checkout import checkout, switch
from modelhub.porcelain.moving import CheckoutResult


@command(
    "checkout",
    splits_paths=True,
    examples=[
        ("mh checkout v1", "Bring the whole folder to a version, to look at it or run it."),
        ("mh checkout main", "Go back to a branch."),
        ("mh checkout v1 -- model.pt", "Bring back one file of a version."),
        ("mh checkout -b idea v1", "Make a branch at a version and go there."),
    ],
    exits={7: "unsaved work would be overwritten"},
)
@click.argument("words", metavar="[REV]", nargs=-1, shell_complete=complete_revision)
@click.option("-b", "new_branch", metavar="NAME", help="Make a branch at REV (default: HEAD) and go there.")
@force_option
@json_option
@pass_session
def checkout_command(
    session: Session, words: Sequence[str], new_branch: str | None, force: bool, as_json: bool
) -> None:
    """Bring the folder to a version, or files of it.

    A branch's name goes to that branch. Any other revision leaves the branches alone: HEAD is detached until you go
    to a branch. Files with work that is saved nowhere are never overwritten without --force.
    """
    paths = paths_after_dashes()
    if len(words) > 1:
        raise InvalidInputError("this takes one revision", hint="write paths after '--': mh checkout REV -- PATH")
    revision = words[0] if words else None
    if paths is not None:
        restore_paths(session, session.paths(paths), source=revision, force=force, as_json=as_json)
        return
    if revision is None and new_branch is None:
        raise InvalidInputError("no revision is given", hint="'mh log --oneline' and 'mh branch' list what there is")
    result = _go(session, revision, new_branch, force=force)
    if as_json:
        print_json(session, "checkout", result)
    else:
        tell_where(session, result)


def _go(session: Session, revision: str | None, new_branch: str | None, *, force: bool) -> CheckoutResult:
    repository = session.repository
    act = session.act(repository)
    with session.progress() as progress:
        if new_branch is not None:
            return switch(
                repository,
                act=act,
                branch=new_branch,
                create=True,
                start=revision,
                force=force,
                progress=progress,
                waiting=session.waiting,
            )
        try:
            return checkout(
                repository,
                act=act,
                revision=revision or "HEAD",
                force=force,
                progress=progress,
                waiting=session.waiting,
            )
        except RefNotFound as error:
            if revision is not None and (session.folder / revision).exists():
                error.hint = f"'{revision}' is a file: 'mh restore {revision}' brings it back"
            raise
