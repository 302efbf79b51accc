"""`mh log`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from modelhub.catalog.history import LogEntry
from modelhub.cli.command import command
from modelhub.cli.completion import complete_revision
from modelhub.cli.context import Session
from modelhub.cli.options import chosen_format, format_option, pass_session, print_records
from modelhub.cli.output.graph import Graph, visible_parents
from modelhub.cli.output.history_view import long_form, one_line
from modelhub.cli.revisions import split_words
from modelhub.porcelain.log import log

CSV_COLUMNS = ("commit", "time", "author", "email", "message", "refs", "params", "metrics")


@command(
    "log",
    splits_paths=True,
    examples=[
        ("mh log --oneline --graph --all", "The whole history as a picture."),
        ("mh log -n 5 -- model.safetensors", "The last five versions that changed a file."),
        ("mh log --format jsonl | head -1", "The newest version for a program."),
    ],
)
@click.argument("words", metavar="[REV]", nargs=-1, shell_complete=complete_revision)
@click.option("-n", "--max-count", "limit", metavar="N", type=click.IntRange(min=0), help="At most N versions.")
@click.option("--oneline", is_flag=True, help="One line a version.")
@click.option("--graph", is_flag=True, help="Draw the lines of history.")
@click.option("--all", "all_refs", is_flag=True, help="From every branch and tag.")
@format_option
@pass_session
def log_command(
    session: Session,
    words: Sequence[str],
    limit: int | None,
    *,
    oneline: bool,
    graph: bool,
    all_refs: bool,
    style: str | None,
    as_json: bool,
) -> None:
    """Show the history, newest first."""
    revisions, paths = split_words(session, words, most=1)
    revision = revisions[0] if revisions else "HEAD"
    chosen = chosen_format(style, as_json)
    repository = session.repository
    entries = log(repository, revision=revision, paths=paths, limit=limit, all_refs=all_refs)
    if chosen != "table":
        print_records(session, chosen, "log", entries, CSV_COLUMNS)
    elif graph:
        whole = log(repository, revision=revision, all_refs=all_refs) if paths else None
        session.page(_drawn(session, entries, oneline, whole))
    else:
        session.page(_blocks(session, entries, oneline))


def _blocks(session: Session, entries: Iterable[LogEntry], oneline: bool) -> Iterator[str]:
    """Yield the lines of each commit together, with an empty line between long forms."""
    before = ""
    for entry in entries:
        if oneline:
            yield one_line(entry, session.terminal)
        else:
            yield before + long_form(entry, session.terminal)
        before = "\n"


def _drawn(
    session: Session, entries: Iterable[LogEntry], oneline: bool, whole: Iterable[LogEntry] | None
) -> Iterator[str]:
    """Yield the commits beside the graph. `whole` is the history that `entries` are picked from, if they are."""
    parents: Mapping[str, tuple[str, ...]] = {}
    if whole is not None:
        entries = list(entries)
        shown = {entry.commit for entry in entries}
        parents = visible_parents([(entry.commit, entry.parents) for entry in whole], shown)
    graph = Graph(unicode=session.terminal.unicode)
    for entry in entries:
        lines = (
            [one_line(entry, session.terminal)] if oneline else [*long_form(entry, session.terminal).split("\n"), ""]
        )
        yield from graph.draw(entry.commit, parents.get(entry.commit, entry.parents), lines)
