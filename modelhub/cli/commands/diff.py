"""`mh diff`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import click

from modelhub.cli import exit_codes
from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import json_option, pass_session, print_json
from modelhub.cli.output.diff_view import diff_lines
from modelhub.cli.revisions import split_words
from modelhub.errors import InvalidInputError
from modelhub.porcelain.diff import DiffResult, diff


@command(
    "diff",
    splits_paths=True,
    examples=[
        ("mh diff", "What changed in the folder since it was last recorded or staged."),
        ("mh diff HEAD~1 HEAD", "The last version against the one before it."),
        ("mh diff v1 v2 -- model.pt", "One file in two tagged versions."),
        ("mh diff v1:base.pt v2:tuned.pt", "Two files, whatever their names."),
    ],
    exits={1: "with --exit-code: something differs"},
)
@click.argument("words", metavar="[A [B]]", nargs=-1, shell_complete=complete_revision)
@click.option("--staged", "--cached", is_flag=True, help="What is staged, against HEAD or A.")
@click.option("--no-tensors", is_flag=True, help="Do not compare the weights.")
@click.option("--all", "every_tensor", is_flag=True, help="List every tensor, do not group them by layer.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if something differs.")
@json_option
@pass_session
def diff_command(
    session: Session,
    words: Sequence[str],
    *,
    staged: bool,
    no_tensors: bool,
    every_tensor: bool,
    exit_code: bool,
    as_json: bool,
) -> int:
    """Show what changed: files, params, metrics, tensors.

    Without A, the folder against what is staged or last recorded; with A, the folder against A; with A and B, B
    against A. Files of runs are compared as RUN:PATH. Of each tensor: the norm of its change over its norm (relative),
    the cosine between both, the largest change of one value, and the share of values that changed.
    """
    _refuse_one_file(words)
    revisions, paths = split_words(session, [session.place(word) for word in _dotted(words)], most=2)
    before, after = (*revisions, None, None)[:2]
    with session.progress() as progress:
        result = diff(
            session.repository,
            before=before,
            after=after,
            staged=staged,
            paths=paths,
            tensors=not no_tensors,
            progress=progress,
        )
    differs = not result.empty
    _show(session, result, differs=differs, every_tensor=every_tensor, as_json=as_json)
    return exit_codes.NEGATIVE if exit_code and differs else exit_codes.OK


def _show(session: Session, result: DiffResult, *, differs: bool, every_tensor: bool, as_json: bool) -> None:
    if as_json:
        fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        print_json(session, "diff", {**fields, "differs": differs})
    elif differs:
        session.page(diff_lines(result, session.terminal, every_tensor=every_tensor))
    else:
        session.say(f"no difference between {result.before} and {result.after}")


def _refuse_one_file(words: Sequence[str]) -> None:
    """Say how to ask where a file of a version is named on one side only."""
    named = [word for word in words if word.partition(":")[2]]
    if len(named) != 1 or len(words) > 2:
        return
    revision, _, path = named[0].partition(":")
    hint = f"mh diff {revision or 'HEAD'} -- {path}"
    other = next((word for word in words if word != named[0]), path)
    if other != path:
        sides = [word if word == named[0] else f"{word}:{path}" for word in words]
        hint = f"mh diff {sides[0]} {sides[1]}"
    raise InvalidInputError("a file of a version is compared with a file of a version", hint=hint)


def _dotted(words: Sequence[str]) -> Sequence[str]:
    """Take 'A..B' as git does."""
    if len(words) != 1 or ".." not in words[0] or words[0].startswith(("..", "./")):
        return words
    before, _, after = words[0].partition("..")
    return (before, after or "HEAD")
