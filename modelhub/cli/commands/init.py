"""`mh init`."""

from __future__ import annotations

from pathlib import Path

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.text import clean
from modelhub.porcelain.init import init


@command(
    "init",
    examples=[
        ("mh init", "Version the folder you are in."),
        ("mh init experiments/digits", "Make that folder, and a repository in it."),
    ],
)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("-b", "--branch", default="main", show_default=True, help="Name of the first branch.")
@json_option
@pass_session
def init_command(session: Session, folder: Path | None, branch: str, as_json: bool) -> None:
    """Make a repository in a folder.

    Everything is kept in one sub-folder, .mh. A repository that is there already is left as it is.
    """
    root = (session.folder / (folder or ".")).resolve()
    result = init(root, act=session.act(), branch=branch)
    if as_json:
        print_json(session, "init", result)
        return
    said = "made an empty repository in" if result.created else "there is a repository already in"
    session.say(f"{said} '{clean(str(result.root))}'")
    if result.created and result.beside_git:
        session.say("git is told to leave .mh alone (.git/info/exclude)")
    if result.created:
        session.say("next: mh commit -m 'first version'")
