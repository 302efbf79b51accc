"""`mh config`."""

from __future__ import annotations

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_records
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError, NotFoundError, RepositoryNotFound
from modelhub.porcelain.config import Scope, set_value, settings
from modelhub.repository.config import KEYS, Setting
from modelhub.repository.repository import Repository

CSV_COLUMNS = ("key", "value", "origin")


@command(
    "config",
    examples=[
        ("mh config", "List all settings and where each comes from."),
        ("mh config --user user.name 'Ada Lovelace'", "Set it for all your repositories."),
        ("mh config gc.grace_days 30", "Set it for this repository."),
        ("mh config --unset gc.grace_days", "Go back to the default."),
    ],
    exits={4: "the setting is not set"},
)
@click.argument("key", metavar="[KEY]", required=False)
@click.argument("value", metavar="[VALUE]", required=False)
@click.option("--user", "--global", "for_user", is_flag=True, help="For this user instead of this repository.")
@click.option("--unset", is_flag=True, help="Remove the setting.")
@format_option
@pass_session
def config_command(
    session: Session,
    key: str | None,
    value: str | None,
    *,
    for_user: bool,
    unset: bool,
    style: str | None,
    as_json: bool,
) -> None:
    """Show or change settings.

    \b
    user.name              the author of commits
    user.email             the author's address
    gc.grace_days          days that unneeded objects are kept (14)
    gc.operations_days     days that operations can be undone (90)
    commit.strict          true: faults in the weights stop a commit
    commit.find_parents    false: no search for parents that nobody declared
    """
    repository = _repository(session)
    scope: Scope = "user" if for_user else "repository"
    if unset or value is not None:
        if key is None or (unset and value is not None):
            raise InvalidInputError("--unset takes one key", hint="mh config --unset KEY")
        set_value(repository, key, value, scope=scope, home=session.home)
        return
    found = settings(repository, session.home)
    if key is not None:
        session.write([clean(_find(found, key).value)])
    elif chosen_format(style, as_json) != "table":
        print_records(session, chosen_format(style, as_json), "config", found, CSV_COLUMNS)
    else:
        if not found:
            session.say("nothing is set, the defaults hold: 'mh config --help' lists the settings")
        session.write(f"{clean(item.key)} = {clean(item.value)}  ({clean(str(item.origin))})" for item in found)


def _repository(session: Session) -> Repository | None:
    try:
        return session.repository
    except RepositoryNotFound:
        return None


def _find(found: tuple[Setting, ...], key: str) -> Setting:
    for item in found:
        if item.key == key:
            return item
    if key not in KEYS:
        raise InvalidInputError(f"there is no setting '{key}'", hint="settings: " + ", ".join(KEYS))
    raise NotFoundError(f"'{key}' is not set", hint=f"mh config {key} VALUE")
