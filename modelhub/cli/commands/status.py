"""`mh status`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.changes_view import LETTERS, STYLES, WORDS, change_name
from modelhub.cli.output.quantities import short
from modelhub.cli.output.text import clean
from modelhub.porcelain.status import StatusResult, status
from modelhub.repository.status import FileChange


@command(
    "status",
    examples=[("mh status", "What is staged, changed and new."), ("mh status -s", "The same, one line a file.")],
)
@click.option("-s", "--short", "brief", is_flag=True, help="One line a file: staged letter, changed letter, path.")
@json_option
@pass_session
def status_command(session: Session, brief: bool, as_json: bool) -> None:
    """Show what the next commit would record.

    With nothing staged, 'mh commit' records every change and every new file in the folder that .mhignore does not name.
    """
    result = status(session.repository)
    if as_json:
        fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        print_json(session, "status", {**fields, "clean": result.clean})
    elif brief:
        session.write(_brief(session, result))
    else:
        session.write(_long(session, result))


def _brief(session: Session, result: StatusResult) -> Iterator[str]:
    for change in result.staged:
        yield f"{session.terminal.style(LETTERS[change.kind], 'green')}  {_name(session, change)}"
    for change in result.unstaged:
        yield f" {session.terminal.style(LETTERS[change.kind], 'red')} {_name(session, change)}"
    for path in result.untracked:
        yield f"{session.terminal.style('??', 'red')} {session.shown(path)}"


def _long(session: Session, result: StatusResult) -> Iterator[str]:
    if result.branch is not None:
        yield f"on branch {session.terminal.style(clean(result.branch), 'bold')}"
    else:
        yield f"HEAD is detached at {short(result.head or '')} (to keep commits from here: mh switch -c NAME)"
    if result.head is None:
        yield "no commit yet"
    yield from _section(session, "staged for the next commit", "mh restore --staged PATH takes one back", result.staged)
    hint = "mh add PATH stages, mh restore -f PATH discards" if result.staged else "mh restore -f PATH discards"
    yield from _section(session, "changed", hint, result.unstaged)
    new = [FileChange("added", path) for path in result.untracked]
    yield from _section(session, "new", "name files to leave out in .mhignore", new)
    yield from _runs(session, result)
    yield ""
    yield _summary(result)


def _section(session: Session, title: str, hint: str, changes: Sequence[FileChange]) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield f"{session.terminal.style(title, 'bold')}  {session.terminal.style(f'({hint})', 'dim')}"
    for change in changes:
        word = session.terminal.style(f"{WORDS[change.kind]}:".ljust(14), STYLES[change.kind])
        yield f"  {word}{_name(session, change)}"


def _runs(session: Session, result: StatusResult) -> Iterator[str]:
    for runs, title, hint in (
        (result.runs_ended, "runs that have ended", "the next commit takes them in"),
        (result.runs_going, "runs going on", "mh runs ID shows how far one is"),
    ):
        if runs:
            yield ""
            yield f"{session.terminal.style(title, 'bold')}  {session.terminal.style(f'({hint})', 'dim')}"
            yield from (f"  {run}" for run in runs)


def _name(session: Session, change: FileChange) -> str:
    shown: Callable[[str], str] = session.shown
    return change_name(change, session.terminal, shown=shown)


def _summary(result: StatusResult) -> str:
    if result.clean:
        return "nothing to commit: the folder is as the last commit has it" if result.head else "nothing to commit yet"
    if result.staged:
        return "'mh commit -m MESSAGE' records what is staged"
    return "'mh commit -m MESSAGE' records all of this"
