"""Commits as people read them: the long form, the one-line form, and params and metrics in brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    return f"{oid}{ref_names(entry.refs, terminal)} {first_line(entry.message)}{metrics}"


def long_form(entry: LogEntry, terminal: Terminal) -> list[str]:
    """Return the lines of a commit, as git shows it, with params and metrics below the message."""
    lines = [terminal.style(f"commit {entry.commit}", "yellow") + ref_names(entry.refs, terminal)]
    if len(entry.parents) > 1:
        lines.append("Merge:   " + " ".join(map(short, entry.parents)))
    email = f" <{entry.email}>" if entry.email else ""
    lines.append(f"Author:  {clean(entry.author + email)}")
    lines.append(f"Date:    {moment(entry.time, entry.offset)}")
    if entry.params:
        lines.append(f"Params:  {facts(entry.params)}")
    if entry.metrics:
        lines.append(f"Metrics: {terminal.style(facts(entry.metrics), 'bold')}")
    lines.append("")
    lines += [f"    {line}" if line else "" for line in clean_lines(entry.message)]
    return lines
