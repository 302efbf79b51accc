"""`mh tag`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records
from modelhub.cli.output.quantities import short
from modelhub.cli.output.tables import Cell, Column, render
from modelhub.cli.output.text import clean, cut_middle
from modelhub.errors import InvalidInputError
from modelhub.porcelain.tag import create_tag, delete_tag, tags

CSV_COLUMNS = ("name", "commit", "summary", "time")
COLUMNS = (Column(least=8, cut=cut_middle), Column(), Column(least=10, rank=1))


@command(
    "tag",
    examples=[
        ("mh tag", "List the tags."),
        ("mh tag v1", "Give the current version a name that stays."),
        ("mh tag best HEAD~2", "Name an older one."),
        ("mh tag -d best", "Delete a tag; the version stays."),
    ],
    exits={3: "the name is taken"},
)
@click.argument("names", metavar="[NAME [REV]]", nargs=-1, shell_complete=complete_revision)
@click.option("-d", "--delete", is_flag=True, help="Delete tags.")
@click.option("-f", "--force", is_flag=True, help="Move a tag of that name.")
@format_option
@pass_session
def tag_command(
    session: Session, names: Sequence[str], *, delete: bool, force: bool, style: str | None, as_json: bool
) -> None:
    """List, make or delete tags."""
    if delete:
        _delete(session, names)
    elif names:
        _create(session, names, force=force, as_json=as_json)
    else:
        _list(session, chosen_format(style, as_json))


def _list(session: Session, style: str) -> None:
    found = tags(session.repository)
    if style != "table":
        print_records(session, style, "tag", found, CSV_COLUMNS)
        return
    rows = [(clean(tag.name), Cell(short(tag.commit), ("yellow",)), clean(tag.summary)) for tag in found]
    if not rows:
        session.say("no tags yet: 'mh tag NAME' makes one")
    session.write(render(COLUMNS, rows, session.terminal, header=False))


def _create(session: Session, names: Sequence[str], *, force: bool, as_json: bool) -> None:
    if len(names) > 2:
        raise InvalidInputError("too many names", hint="mh tag NAME [REV]")
    revision = names[1] if len(names) == 2 else "HEAD"
    repository = session.repository
    made = create_tag(repository, act=session.act(repository), name=names[0], revision=revision, force=force)
    if as_json:
        print_json(session, "tag", made)
    else:
        session.say(f"tag '{clean(made.name)}' is at {short(made.commit)}")


def _delete(session: Session, names: Sequence[str]) -> None:
    if not names:
        raise InvalidInputError("no tag is named", hint="mh tag -d NAME")
    for name in names:
        commit = delete_tag(session.repository, act=session.act(session.repository), name=name)
        session.say(f"tag '{clean(name)}' is deleted; it was at {short(commit)}")
