"""`mh switch`."""

from __future__ import annotations

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import branch_argument, force_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, short
from modelhub.cli.output.text import clean
from modelhub.errors import ModelHubError, RefNotFound
from modelhub.porcelain.checkout import checkout, switch
from modelhub.porcelain.moving import CheckoutResult
from modelhub.repository.revision import resolve


@command(
    "switch",
    examples=[
        ("mh switch main", "Go to a branch."),
        ("mh switch -c fine-tune", "Make a branch here and go there."),
        ("mh switch -c again v1", "Make a branch at an old version and go there."),
    ],
    exits={7: "unsaved work would be overwritten"},
)
@branch_argument()
@click.argument("start", metavar="[START]", required=False, shell_complete=complete_revision)
@click.option("-c", "--create", is_flag=True, help="Make the branch, at START (default: HEAD).")
@click.option("-d", "--detach", is_flag=True, help="Go to a commit without a branch.")
@force_option
@json_option
@pass_session
def switch_command(
    session: Session, branch: str, start: str | None, *, create: bool, detach: bool, force: bool, as_json: bool
) -> None:
    """Go to another branch.

    The folder follows. Changes that are saved nowhere stay where they are, or stop this.
    """
    act = session.act(session.repository)
    with session.progress() as progress:
        if detach:
            result = checkout(
                session.repository,
                act=act,
                revision=f"{branch}~0",
                force=force,
                progress=progress,
                waiting=session.waiting,
            )
        else:
            try:
                result = switch(
                    session.repository,
                    act=act,
                    branch=branch,
                    create=create,
                    start=start,
                    force=force,
                    progress=progress,
                    waiting=session.waiting,
                )
            except RefNotFound as error:
                if not create and _is_version(session, branch):
                    error.hint = f"it is a version: 'mh checkout {branch}' goes there"
                raise
    if as_json:
        print_json(session, "switch", result)
    else:
        tell_where(session, result)


def _is_version(session: Session, text: str) -> bool:
    try:
        resolve(session.repository, text)
    except ModelHubError:
        return False
    return True


def tell_where(session: Session, result: CheckoutResult) -> None:
    """Say where HEAD is now and what happened to the folder."""
    at = f" at {short(result.commit)}" if result.commit else ", which has no commit yet"
    if result.branch is not None:
        session.say(f"on branch '{clean(result.branch)}'{at}")
    else:
        session.say(f"HEAD is detached{at} (to keep commits from here: mh switch -c NAME)")
    session.say(f"{count(len(result.written), 'file')} written, {len(result.deleted)} deleted")
    if result.left_behind is not None:
        lost = short(result.left_behind)
        session.say(f"no branch holds commit {lost}, where HEAD was: 'mh branch NAME {lost}' keeps it")
    for path in result.skipped_links:
        session.warn(f"'{path}' is a link that leads outside the folder: it was left out")
