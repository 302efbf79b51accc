"""`mh help`."""

from __future__ import annotations

import click

from modelhub.cli.command import command
from modelhub.cli.exit_codes import MEANINGS
from modelhub.errors import NotFoundError

TOPICS = ("exit-codes", "revisions", "environment", "completion")

REVISIONS = """\
A revision names a version:

  HEAD, @        the version you are on
  main, v1       a branch, a tag
  3f2a9c1d       a commit's id, or a beginning of it that is its alone
  REV~2          two versions back, along first parents
  REV^2          the second parent of a merge
  main@{1}       where a branch was one change ago; @{1} for the current one
  REV:PATH       a file of a version, by its path from the repository's top
  REV:./PATH     the same, by its path from the folder you are in

Where files are read, a run may stand for the version, by its name or its id:

  RUN:PATH       a file that is kept of a run, as it was last
  RUN@STEP:PATH  the same, as it was at a step"""

ENVIRONMENT = """\
  MH_AUTHOR_NAME, MH_AUTHOR_EMAIL   the author, before all settings
  MH_AUTHOR_DATE                    the time of commits, such as
                                    2026-01-31T12:00:00+01:00
  MH_PAGER, PAGER                   the pager (default: less); empty: none
  NO_COLOR, FORCE_COLOR, CLICOLOR   colours off, on
  COLUMNS                           the width of the terminal
  MH_RUN, MH_REPOSITORY             set by 'mh run' for its command
  MH_DEBUG                          show where an internal error happened"""

COMPLETION = """\
Commands, options, branches and tags complete with TAB after one of these:

  bash   eval "$(_MH_COMPLETE=bash_source mh)"     in ~/.bashrc
  zsh    eval "$(_MH_COMPLETE=zsh_source mh)"      in ~/.zshrc
  fish   _MH_COMPLETE=fish_source mh | source      in config.fish"""


@command(
    "help",
    examples=[("mh help diff", "The same as mh diff --help."), ("mh help exit-codes", "What exit codes mean.")],
)
@click.argument("topic", metavar="[COMMAND|TOPIC]", required=False)
@click.pass_context
def help_command(ctx: click.Context, topic: str | None) -> None:
    """Show help on a command or a topic.

    Topics: exit-codes, revisions, environment, completion.
    """
    root = ctx.find_root()
    if topic is None:
        click.echo(root.get_help())
    elif topic in TOPICS:
        click.echo(topic_text(topic))
    else:
        assert isinstance(root.command, click.Group)
        found = root.command.get_command(root, topic)
        if found is None:
            raise NotFoundError(f"there is no command or topic '{topic}'", hint="'mh --help' lists the commands")
        with click.Context(found, info_name=topic, parent=root) as inner:
            click.echo(found.get_help(inner))


def topic_text(topic: str) -> str:
    """Return the text on one of TOPICS."""
    if topic == "exit-codes":
        return "\n".join(f"{code:>4}  {meaning}" for code, meaning in MEANINGS.items())
    return {"revisions": REVISIONS, "environment": ENVIRONMENT, "completion": COMPLETION}[topic]
