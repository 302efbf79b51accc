"""`mh import git-lfs` and `mh import dvc`: histories that git has, with the files kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import dry_run_option, json_option, pass_session, print_json
from modelhub.cli.output.quantities import count, size
from modelhub.cli.output.text import clean

if TYPE_CHECKING:
    from modelhub.importers.git_history import ImportedHistory, ImportRequest

MOST_NAMES = 5

F = TypeVar("F", bound=Callable[..., Any])


def history_options(function: F) -> F:
    """Add the argument and the options of imports that take a git history in."""
    options = (
        click.argument("source", metavar="PATH"),
        click.option("--ref", "refs", metavar="NAME", multiple=True, help="Only this branch or tag. May be repeated."),
        click.option("--prefix", metavar="NAME/", default="", help="Put branches and tags below NAME/."),
        click.option("--strict", is_flag=True, help="Refuse where contents are missing."),
        click.option("--fresh", is_flag=True, help="Read what was imported before again."),
        dry_run_option,
        json_option,
        pass_session,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command(
    "git-lfs",
    examples=[
        ("mh import git-lfs ../models", "Every branch and tag, with the real files in place of the pointers."),
        ("mh import git-lfs . --dry-run", "Say what the git repository of this folder would bring."),
        ("mh import git-lfs ../other --prefix other/", "Beside a history that has branches of the same names."),
    ],
    exits={3: "a branch or tag went another way here"},
)
@history_options
def import_git_lfs_command(session: Session, *, as_json: bool, **choices: Any) -> None:
    """Take in a git repository whose large files git-lfs keeps.

    PATH is a work tree or a bare repository. Each commit becomes a version with the same author, time and message;
    pointers are replaced by the files of git-lfs' store ('git lfs fetch --all' brings them there).
    """
    from modelhub.importers.git_lfs import import_git_lfs

    repository = session.repository
    with session.progress() as progress:
        result = import_git_lfs(
            repository,
            act=session.act(repository),
            request=_request(session, **choices),
            progress=progress,
            waiting=session.waiting,
        )
    _show(session, "git-lfs", result, as_json)


@command(
    "dvc",
    examples=[
        ("mh import dvc ../project", "Every branch and tag, with the files that DVC tracks."),
        ("mh import dvc ../project --ref main --strict", "One branch; refuse where the cache lacks a file."),
    ],
    exits={3: "a branch or tag went another way here"},
)
@history_options
@click.option(
    "--cache",
    "caches",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Look for files here too. May be repeated.",
)
def import_dvc_command(session: Session, *, caches: tuple[Path, ...], as_json: bool, **choices: Any) -> None:
    """Take in a git repository whose large files DVC tracks.

    PATH is a work tree or a bare repository. Each commit becomes a version with the same author, time and message, the
    files of DVC's cache at their paths ('dvc fetch --all-commits' brings them there), and the params and metrics that
    dvc.yaml names.
    """
    from modelhub.importers.dvc_import import import_dvc

    repository = session.repository
    with session.progress() as progress:
        result = import_dvc(
            repository,
            act=session.act(repository),
            request=_request(session, **choices),
            caches=[session.folder / folder for folder in caches],
            progress=progress,
            waiting=session.waiting,
        )
    _show(session, "dvc", result, as_json)


def _request(session: Session, *, source: str, **choices: Any) -> ImportRequest:
    from modelhub.importers.git_history import ImportRequest

    return ImportRequest(session.folder / source, **choices)


def _show(session: Session, tool: str, result: ImportedHistory, as_json: bool) -> None:
    if as_json:
        print_json(session, f"import.{tool}", result)
    else:
        session.write(_lines(result))
    for warning in result.warnings:
        session.warn(warning)
    if result.folder_left:
        session.say("the files in the folder were left as they are")
        session.say("next: mh status shows how they differ, mh restore --force . replaces them by the branch's")


def _lines(result: ImportedHistory) -> Iterator[str]:
    if not result.commits:
        yield f"nothing new: {count(result.known, 'commit')} {'is' if result.known == 1 else 'are'} here already"
        return
    verb = "would be imported" if result.dry_run else "imported"
    known = f", {result.known} were here already" if result.known else ""
    yield f"{count(result.commits, 'commit')} {verb}{known}"
    yield f"  {_names(result.branches, 'branch', 'branches')}, {_names(result.tags, 'tag', 'tags')}"
    yield f"  {count(result.files, 'content')} of files, {result.kept} of them kept beside git"
    if result.dry_run:
        yield f"  {size(result.read_nbytes)} to read"
        return
    yield f"  {size(result.read_nbytes)} read, the store grew by {size(result.stored_nbytes)}"
    if result.written:
        yield f"  {count(len(result.written), 'file')} written into the folder, on '{clean(result.branch or '')}'"


def _names(names: tuple[str, ...], one: str, many: str) -> str:
    shown = ", ".join(map(clean, names[:MOST_NAMES])) + (", …" if len(names) > MOST_NAMES else "")
    return count(len(names), one, many) + (f" ({shown})" if names else "")
