"""`mh du`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records
from modelhub.cli.output.quantities import count, day, share, short, size
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.errors import InvalidInputError
from modelhub.porcelain.du import DuResult, VersionUsage, du

VERSION_COLUMNS = ("commit", "summary", "time", "raw_nbytes", "new_nbytes", "only_here_nbytes")


@command(
    "du",
    examples=[
        ("mh du", "What the history takes, what was saved and by what, and each version's part."),
        ("mh du --versions --format csv", "The versions as a table for other programs."),
        ("mh du --tree", "Which folders, files and layers of the newest version take the space."),
        ("mh du --what-if 'drop v1~5..v1'", "What gc would free if these versions were forgotten, to the byte."),
        ("mh du --why net.0.weight", "How a tensor is stored, what reading it costs, and what else was possible."),
    ],
)
@click.argument("place", metavar="[REV[:PATH]]", required=False, shell_complete=complete_revision)
@click.option("--versions", "question", flag_value="versions", help="Only the table of versions.")
@click.option("--tree", "question", flag_value="tree", help="Folders, files and layers of a version as a tree.")
@click.option("--depth", metavar="N", type=click.IntRange(min=0), help="With --tree: N levels  [default: 3]")
@click.option("--what-if", "change", metavar="'drop REV...'", help="What gc would free without these versions.")
@click.option("--why", "tensor", metavar="TENSOR", help="How a tensor of a version is stored, and why so.")
@format_option
@pass_session
def du_command(session: Session, place: str | None, *, style: str | None, as_json: bool, **options: Any) -> None:
    """Explain where the bytes are.

    Of each version: the size of its files, of those that are new in it, and what only it holds in the store: about
    what deleting it would free. --what-if says it to the byte, for several versions and ranges A..B together.
    """
    chosen = chosen_format(style, as_json)
    question = _question(place, options)
    if chosen not in ("table", "json") and question not in ("", "versions"):
        raise InvalidInputError(f"--{question} has no --format {chosen}", hint="--json prints all of it")
    if question in ("tree", "what-if", "why"):
        _explain(session, question, place or "HEAD", chosen, options)
        return
    result = du(session.repository)
    if chosen == "json":
        print_json(session, "du", result if not question else result.versions)
    elif chosen != "table":
        print_records(session, chosen, "du", result.versions, VERSION_COLUMNS)
    else:
        session.write(_version_lines(session, result.versions) if question else _lines(session, result))


def _question(place: str | None, options: dict[str, Any]) -> str:
    """Return which one thing is asked: '' for all in short. Raises InvalidInputError for what does not go together."""
    names = {"change": "what-if", "tensor": "why"}
    asked = [options["question"], *(name for key, name in names.items() if options[key] is not None)]
    found = [name for name in asked if name]
    if len(found) > 1:
        raise InvalidInputError(f"--{found[0]} and --{found[1]} exclude each other")
    question = found[0] if found else ""
    if options["depth"] is not None and question != "tree":
        raise InvalidInputError("--depth is for --tree", hint="mh du --tree --depth 4")
    if place is not None and question not in ("tree", "why"):
        raise InvalidInputError(f"'{place}' is for --tree and --why", hint=f"mh du --tree {place}")
    return question


def _explain(session: Session, question: str, place: str, style: str, options: dict[str, Any]) -> None:
    """Answer about one version, tensor or change; imported here, since 'mh du' alone needs none of it."""
    from modelhub.cli.output import usage_view as view

    repository, place = session.repository, session.place(place)
    if question == "tree":
        from modelhub.porcelain.usage_tree import DEPTH, usage_tree

        depth = DEPTH if options["depth"] is None else options["depth"]
        tree = usage_tree(repository, place=place, depth=depth)
        answer, lines = tree, view.tree_lines(tree, session.terminal)
    elif question == "why":
        from modelhub.porcelain.why_stored import why_stored

        why = why_stored(repository, place=place, tensor=options["tensor"])
        answer, lines = why, view.why_lines(why, session.terminal)  # type: ignore[assignment]
    else:
        from modelhub.porcelain.what_if import what_if

        now = session.act(repository).time
        found = what_if(repository, change=options["change"], now=now, home=session.home)
        answer, lines = found, view.what_if_lines(found, session.terminal)  # type: ignore[assignment]
    if style == "json":
        print_json(session, f"du.{question}", answer)
    else:
        session.write(lines)


def _lines(session: Session, result: DuResult) -> Iterator[str]:
    rows: list[Row] = [
        ("all files of all versions", size(result.raw_nbytes), ""),
        ("saved by sharing", _minus(result.saved_by_sharing), _part(result.saved_by_sharing, result.raw_nbytes)),
        ("saved by deltas", _minus(result.saved_by_deltas), _part(result.saved_by_deltas, result.raw_nbytes)),
        (
            "saved by compression",
            _minus(result.saved_by_compression),
            _part(result.saved_by_compression, result.raw_nbytes),
        ),
        *([("bases of deltas", size(result.bases_nbytes), "")] if result.bases_nbytes else []),
        ("trees, commits, records", size(result.overhead_nbytes), ""),
        ("runs, package lists", size(result.runs_nbytes), ""),
        ("no longer needed (mh gc)", size(result.unreachable_nbytes), ""),
        (
            Cell("stored", ("bold",)),
            Cell(size(result.stored_nbytes), ("bold",)),
            _part(result.stored_nbytes, result.raw_nbytes),
        ),
    ]
    yield from render(
        (Column(least=16), Column(right=True), Column(right=True, rank=1)), rows, session.terminal, header=False
    )
    yield f"{count(result.objects, 'object')}, {result.deltas} of them deltas"
    if result.versions:
        yield ""
        yield from _version_lines(session, result.versions)


def _version_lines(session: Session, found: tuple[VersionUsage, ...]) -> Iterator[str]:
    version_layout = (
        Column("version"),
        Column("day", rank=3),
        Column("files", right=True, rank=2),
        Column("new", right=True, rank=1),
        Column("only here", right=True),
        Column("", least=10, rank=4),
    )
    versions = [
        (
            Cell(short(version.commit), ("yellow",)),
            day(version.time),
            size(version.raw_nbytes),
            size(version.new_nbytes),
            size(version.only_here_nbytes),
            ("(forgotten) " if version.forgotten else "") + clean(version.summary),
        )
        for version in found
    ]
    yield from render(version_layout, versions, session.terminal)


def _minus(nbytes: int) -> str:
    return f"-{size(nbytes)}" if nbytes > 0 else f"+{size(-nbytes)}" if nbytes else size(0)


def _part(nbytes: int, whole: int) -> str:
    return share(nbytes / whole) if whole and nbytes > 0 else ""
