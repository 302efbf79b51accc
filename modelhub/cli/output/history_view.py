"""Commits as people read them: the long form, the one-line form, and params and metrics in brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from modelhub.cli.output.quantities import moment, number, short
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean, clean_lines, first_line

if TYPE_CHECKING:
    from modelhub.catalog.history import LogEntry

MOST_BRIEF = 3


def ref_names(refs: Sequence[str], terminal: Terminal) -> str:
    """Return ' (HEAD -> main, tag: v1)', or nothing."""
    if not refs:
        return ""
    return terminal.style(f" ({', '.join(map(clean, refs))})", "cyan")


def facts(values: Mapping[str, object], most: int | None = None, ellipsis: str = "…") -> str:
    """Return 'accuracy=0.97 loss=0.1', at most so many."""
    listed = [f"{clean(name)}={clean(number(value))}" for name, value in values.items()]
    if most is not None and len(listed) > most:
        listed[most:] = [ellipsis]
    return " ".join(listed)


def one_line(entry: LogEntry, terminal: Terminal) -> str:
    """Return a commit in one line: id, names, subject, the first metrics."""
    brief = facts(entry.metrics, MOST_BRIEF, terminal.ellipsis)
    metrics = f"  {terminal.style(brief, 'dim')}" if brief else ""
    oid = terminal.style(short(entry.commit), "yellow")
    names = f"{ref_names(entry.refs, terminal)}{_forgotten(entry, terminal)}"
    return f"{oid}{names} {first_line(entry.message)}{metrics}"


def _forgotten(entry: LogEntry, terminal: Terminal) -> str:
    return terminal.style(" (forgotten)", "dim") if entry.forgotten else ""


@cache
def _author_line(author: str, email: str) -> str:
    return f"Author:  {clean(f'{author} <{email}>' if email else author)}"


def long_form(entry: LogEntry, terminal: Terminal) -> str:
    """Return a commit in several lines, as git shows it, with params and metrics above the message."""
    oid = terminal.style(f"commit {entry.commit}", "yellow")
    merge = f"Merge:   {' '.join(map(short, entry.parents))}\n" if len(entry.parents) > 1 else ""
    params = f"Params:  {facts(entry.params)}\n" if entry.params else ""
    metrics = f"Metrics: {terminal.style(facts(entry.metrics), 'bold')}\n" if entry.metrics else ""
    message = "\n".join([f"    {line}" if line else "" for line in clean_lines(entry.message)])
    names = f"{ref_names(entry.refs, terminal)}{_forgotten(entry, terminal)}"
    author, date = _author_line(entry.author, entry.email), moment(entry.time, entry.offset)
    return f"{oid}{names}\n{merge}{author}\nDate:    {date}\n{params}{metrics}\n{message}"
