"""`mh du`."""

from __future__ import annotations

from collections.abc import Iterator

from modelhub.cli.command import command
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_json, print_records
from modelhub.cli.output.quantities import count, day, share, short, size
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.text import clean
from modelhub.porcelain.du import DuResult, du

VERSION_COLUMNS = ("commit", "summary", "time", "raw_nbytes", "new_nbytes", "only_here_nbytes")


@command(
    "du",
    examples=[
        ("mh du", "What the history takes, what was saved and by what, and each version's part."),
        ("mh du --format csv", "The versions as a table for other programs."),
    ],
)
@format_option
@pass_session
def du_command(session: Session, style: str | None, as_json: bool) -> None:
    """Explain where the bytes are.

    Of each version: the size of its files, of those that are new in it, and what only it holds in the store: about
    what deleting it would free.
    """
    chosen = chosen_format(style, as_json)
    result = du(session.repository)
    if chosen == "json":
        print_json(session, "du", result)
    elif chosen != "table":
        print_records(session, chosen, "du", result.versions, VERSION_COLUMNS)
    else:
        session.write(_lines(session, result))


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
    if not result.versions:
        return
    yield ""
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
            clean(version.summary),
        )
        for version in result.versions
    ]
    yield from render(version_layout, versions, session.terminal)


def _minus(nbytes: int) -> str:
    return f"-{size(nbytes)}" if nbytes > 0 else f"+{size(-nbytes)}" if nbytes else size(0)


def _part(nbytes: int, whole: int) -> str:
    return share(nbytes / whole) if whole and nbytes > 0 else ""
