"""`mh undo`."""

from __future__ import annotations

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import force_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count
from modelhub.cli.output.text import clean
from modelhub.porcelain.operations import undo


@command(
    "undo",
    examples=[
        ("mh undo", "Take back the last commit, merge, reset, deleted branch, ..."),
        ("mh undo 3f2a9c", "Take back an earlier one; 'mh op log' lists them."),
    ],
    exits={7: "nothing is left to undo, or unsaved work would be overwritten"},
)
@click.argument("operation", metavar="[OPERATION]", required=False)
@force_option
@json_option
@pass_session
def undo_command(session: Session, operation: str | None, force: bool, as_json: bool) -> None:
    """Take back the last operation.

    Branches, tags and HEAD go back to what they were before it. Of a commit that is taken back the files stay in the
    folder. Again takes back the one before; nothing is ever lost by this.
    """
    repository = session.repository
    with session.progress() as progress:
        result = undo(
            repository,
            act=session.act(repository),
            operation=operation,
            force=force,
            progress=progress,
            waiting=session.waiting,
        )
    if as_json:
        print_json(session, "undo", result)
        return
    session.say(f"undone: mh {clean(result.undone.command)}")
    if result.written or result.deleted:
        session.say(f"{count(len(result.written), 'file')} written, {len(result.deleted)} deleted")
