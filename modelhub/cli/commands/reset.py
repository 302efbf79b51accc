"""`mh reset`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import click

from modelhub.cli.command import command
from modelhub.cli.commands.restore import unstage_paths
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import force_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, short
from modelhub.cli.revisions import split_words
from modelhub.errors import InvalidInputError
from modelhub.porcelain.reset import Mode, reset


@command(
    "reset",
    splits_paths=True,
    examples=[
        ("mh reset", "Unstage everything; the folder stays as it is."),
        ("mh reset -- model.pt", "Unstage one file."),
        ("mh reset --soft HEAD~1", "Take the last commit back, keep its changes staged."),
        ("mh reset --hard v1", "Bring branch and folder to a version."),
    ],
    exits={7: "unsaved work would be overwritten"},
)
@click.argument("words", metavar="[REV]", nargs=-1, shell_complete=complete_revision)
@click.option("--soft", "mode", flag_value="soft", help="Move only the branch.")
@click.option("--mixed", "mode", flag_value="mixed", help="Move the branch, unstage everything  [default]")
@click.option("--hard", "mode", flag_value="hard", help="Move the branch and bring the folder there.")
@force_option
@json_option
@pass_session
def reset_command(session: Session, words: Sequence[str], mode: str | None, *, force: bool, as_json: bool) -> None:
    """Move the branch to a commit, or unstage files.

    'mh undo' takes the move of the branch back.
    """
    revisions, paths = split_words(session, words, most=1)
    revision = revisions[0] if revisions else "HEAD"
    if paths:
        if mode not in (None, "mixed"):
            raise InvalidInputError(f"--{mode} moves a branch, not single files", hint="'mh restore' brings files back")
        unstage_paths(session, paths, source=revision, as_json=as_json)
        return
    with session.progress() as progress:
        result = reset(
            session.repository,
            act=session.act(session.repository),
            revision=revision,
            mode=cast(Mode, mode or "mixed"),
            force=force,
            progress=progress,
            waiting=session.waiting,
        )
    if as_json:
        print_json(session, "reset", result)
        return
    session.say(f"HEAD is at {short(result.commit)}")
    if result.mode == "hard":
        session.say(f"{count(len(result.written), 'file')} written, {len(result.deleted)} deleted")
