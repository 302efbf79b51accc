"""`mh restore`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import force_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count
from modelhub.porcelain.restore import restore, unstage


@command(
    "restore",
    examples=[
        ("mh restore --force model.pt", "Give up the changes to a file since it was last staged or recorded."),
        ("mh restore --source v1 model.pt", "Bring back the file of an old version."),
        ("mh restore --source 3f2a@500 model.pt", "Bring back a checkpoint of a run."),
        ("mh restore --staged model.pt", "Unstage it; the file stays as it is."),
    ],
    exits={7: "unsaved work would be overwritten"},
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(readable=False))
@click.option(
    "-s", "--source", metavar="REV|RUN", shell_complete=complete_revision, help="Take them from this version or run."
)
@click.option("-S", "--staged", is_flag=True, help="Unstage: change the index, not the folder.")
@force_option
@json_option
@pass_session
def restore_command(
    session: Session, paths: Sequence[str], source: str | None, *, staged: bool, force: bool, as_json: bool
) -> None:
    """Bring files back, or unstage them.

    Without --source they come from the index: as last staged or recorded. A file that was changed and saved nowhere is
    overwritten only with --force.
    """
    if staged:
        unstage_paths(session, session.paths(paths), source=source or "HEAD", as_json=as_json)
    else:
        restore_paths(session, session.paths(paths), source=source, force=force, as_json=as_json)


def restore_paths(session: Session, paths: Sequence[str], *, source: str | None, force: bool, as_json: bool) -> None:
    """Bring files, as the repository names them, back into the folder and say so."""
    with session.progress() as progress:
        result = restore(
            session.repository, paths=paths, source=source, force=force, progress=progress, waiting=session.waiting
        )
    if as_json:
        print_json(session, "restore", result)
    else:
        session.say(f"{count(len(result.restored), 'file')} restored")


def unstage_paths(session: Session, paths: Sequence[str], *, source: str, as_json: bool) -> None:
    """Take files, as the repository names them, out of the next commit and say so."""
    result = unstage(session.repository, paths=paths, source=source)
    if as_json:
        print_json(session, "restore", result)
    else:
        session.say(f"{count(len(result.restored), 'file')} unstaged")
