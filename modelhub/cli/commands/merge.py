"""`mh merge`."""

from __future__ import annotations

from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json, revision_argument
from modelhub.cli.output.changes_view import change_lines, tally
from modelhub.cli.output.quantities import short
from modelhub.errors import InvalidInputError
from modelhub.porcelain.merge import MergeChoices, MergeResult, merge
from modelhub.repository.merge import Side

MOST_CHANGES = 20


@command(
    "merge",
    examples=[
        ("mh merge fine-tune", "Bring a branch into the current one."),
        ("mh merge fine-tune --theirs model.pt", "Both changed a file: take that branch's."),
    ],
    exits={3: "both sides changed the same files; nothing was changed", 7: "unsaved work is in the way"},
)
@revision_argument()
@click.option("-m", "--message", metavar="TEXT", help="Message of the merge  [default: Merge 'REV']")
@click.option("--ff-only", is_flag=True, help="Only if no merge commit is needed.")
@click.option("--no-ff", is_flag=True, help="Make a merge commit in any case.")
@click.option("--ours", metavar="PATH", multiple=True, help="Keep this side's file.")
@click.option("--theirs", metavar="PATH", multiple=True, help="Take REV's file.")
@click.option("--take", type=click.Choice(["ours", "theirs"]), help="The side to take for all other conflicts.")
@json_option
@pass_session
def merge_command(session: Session, revision: str, as_json: bool, **options: Any) -> None:
    """Bring another line of history into this one.

    Files that only one side changed are taken from that side. Where both changed a file nothing happens until you
    choose a side: a weight file is never mixed.
    """
    repository = session.repository
    with session.progress() as progress:
        result = merge(
            repository,
            act=session.act(repository),
            revision=revision,
            message=options["message"],
            choices=_choices(session, options),
            progress=progress,
            waiting=session.waiting,
        )
    if as_json:
        print_json(session, "merge", result)
    else:
        _tell(session, result)


def _choices(session: Session, options: dict[str, Any]) -> MergeChoices:
    if options["ff_only"] and options["no_ff"]:
        raise InvalidInputError("--ff-only and --no-ff exclude each other")
    ours: dict[str, Side] = dict.fromkeys(session.paths(options["ours"]), "ours")
    theirs: dict[str, Side] = dict.fromkeys(session.paths(options["theirs"]), "theirs")
    both = ours.keys() & theirs.keys()
    if both:
        raise InvalidInputError(f"'{min(both)}' is given with --ours and with --theirs")
    fast_forward = True if options["ff_only"] else False if options["no_ff"] else None
    return MergeChoices(ours | theirs, options["take"], fast_forward)


def _tell(session: Session, result: MergeResult) -> None:
    words = {
        "up-to-date": "nothing to merge: it is part of this history",
        "fast-forward": "fast-forward: the branch moved to",
        "merge": "merged in",
    }
    if result.kind == "up-to-date":
        session.say(words[result.kind])
        return
    session.write([f"{words[result.kind]} {session.terminal.style(short(result.commit), 'yellow')}"])
    session.write(change_lines(result.changes[:MOST_CHANGES], session.terminal))
    session.write([f"  {tally(result.changes)}"])
