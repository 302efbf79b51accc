"""Training runs for people: a list of them, and one in detail."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from modelhub.cli.output.quantities import ago, duration, moment, number, short, size
from modelhub.cli.output.sections import pair_lines, titled_pairs, titled_table
from modelhub.cli.output.sparkline import sparkline
from modelhub.cli.output.tables import Cell, Column, Row, render
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean, cut_middle
from modelhub.porcelain.runs import ListedRun
from modelhub.repository.objects import Derivation, Usage
from modelhub.tracking.show_run import ShownRun, ShownSeries

MOST_METRICS = 3

_STYLES = {"running": ("cyan",), "failed": ("red",), "interrupted": ("yellow",)}
_COURSE_WIDTHS = ((100, 40), (60, 20), (0, 8))
"""How many bars show the course of a metric, by the least width of the terminal."""


def run_lines(runs: Sequence[ListedRun], terminal: Terminal, now_ms: int) -> Iterator[str]:
    """Yield a table of runs."""
    layout = (
        Column("run"),
        Column("status"),
        Column("started", rank=2),
        Column("took", right=True, rank=3),
        Column("name", least=12),
        Column("last values", least=30, rank=1),
        Column("version", rank=4),
    )
    rows: list[Row] = [
        (
            Cell(short(run.run), ("yellow",)),
            Cell(run.status, _STYLES.get(run.status, ())),
            ago(_milliseconds(run.started), now_ms),
            duration(None if run.duration_s is None else run.duration_s * 1000),
            clean(run.name or run.command or "-"),
            _last_values(run),
            short(run.commit) if run.commit else "-",
        )
        for run in runs
    ]
    yield from render(layout, rows, terminal)


def shown_run_lines(shown: ShownRun, terminal: Terminal, *, output: bool) -> Iterator[str]:
    """Yield all that is known of a run."""
    run = shown.run
    yield f"{terminal.style('run ' + run.id, 'yellow')}  {terminal.style(run.status, *_STYLES.get(run.status, ()))}"
    yield from pair_lines([(name, clean(text)) for name, text in _facts(shown)], terminal)
    params = [(clean(name), clean(number(value))) for name, value in run.params.items()]
    yield from titled_pairs("params", params, terminal)
    tags = [(clean(name), clean(value)) for name, value in run.tags.items()]
    yield from titled_pairs("tags", tags, terminal)
    yield from _series_lines(shown.series, terminal)
    yield from _usage_lines("inputs", run.inputs, terminal)
    yield from _usage_lines("outputs", run.outputs, terminal)
    if output:
        for name, text in (("stdout", shown.stdout), ("stderr", shown.stderr)):
            if text:
                yield terminal.style(name, "bold")
                yield from (f"  {clean(line)}" for line in text.splitlines())


def _facts(shown: ShownRun) -> Iterator[tuple[str, str]]:
    run = shown.run
    if run.name:
        yield "name", run.name
    if run.command:
        yield "command", shlex.join(run.command)
    if run.exit_code is not None:
        yield "exit code", str(run.exit_code)
    yield "started", f"{moment(run.started, run.offset)} by {run.author}"
    if run.ended is not None:
        yield "took", duration(run.ended - run.started)
    yield from _origins(shown)
    yield "environment", ", ".join(f"{name} {value}" for name, value in sorted(run.environment.items())) or "-"
    if shown.packages:
        yield "packages", str(shown.packages)
    if shown.not_replayable is not None:
        yield "no replay", shown.not_replayable


def _origins(shown: ShownRun) -> Iterator[tuple[str, str]]:
    run = shown.run
    yield "version", short(shown.commit) if shown.commit else "none yet: the next 'mh commit' takes it in"
    if run.head is not None:
        yield "started at", short(run.head)
    if run.code is not None:
        yield "git", f"{short(run.code.commit)}{', with changes' if run.code.dirty else ''}"
    if run.replays is not None:
        yield "replay of", run.replays
    if run.origin:
        yield "origin", run.origin
    for item in run.derivations:
        yield f"{item.relation} of", _source(item)
    for name, found in run.evaluations.items():
        yield "measured", f"{name} on {found.data_path}" + (f" by {found.code_path}" if found.code_path else "")


def _source(item: Derivation) -> str:
    if not item.source_commit:
        return item.source_name
    return short(item.source_commit) + (f":{item.source_path}" if item.source_path else "")


def _series_lines(series: Sequence[ShownSeries], terminal: Terminal) -> Iterator[str]:
    layout = (
        Column("metric", least=12, cut=cut_middle),
        Column("last", right=True),
        Column("min", right=True, rank=2),
        Column("max", right=True, rank=3),
        Column("points", right=True, rank=4),
        Column("course", rank=1),
    )
    bars = next(bars for least, bars in _COURSE_WIDTHS if terminal.width is None or terminal.width >= least)
    rows: list[Row] = [
        (
            clean(item.summary.name),
            number(item.summary.last),
            number(item.summary.minimum),
            number(item.summary.maximum),
            str(item.summary.points),
            sparkline(item.samples, bars, unicode=terminal.unicode),
        )
        for item in series
    ]
    yield from titled_table("metrics", layout, rows, terminal, header=True)


def _usage_lines(title: str, usages: Sequence[Usage], terminal: Terminal) -> Iterator[str]:
    rows: list[Row] = [
        (
            clean(usage.path) + ("/" if usage.mode == "tree" else ""),
            size(usage.size),
            Cell(short(usage.oid), ("dim",)),
            _remarks(usage),
        )
        for usage in usages
    ]
    layout = (Column(least=24, cut=cut_middle), Column(right=True, rank=2), Column(rank=1), Column(least=8))
    yield from titled_table(title, layout, rows, terminal)


def _remarks(usage: Usage) -> str:
    remarks = [f"step {usage.step}"] if usage.step is not None else []
    remarks += [] if usage.kept else ["not kept"]
    remarks += [f"of {short(usage.source_commit)}"] if usage.source_commit else []
    return ", ".join(remarks)


def _last_values(run: ListedRun) -> str:
    """The first of its metrics, those that ended as no number last."""
    known = sorted(run.metrics.items(), key=lambda item: item[1].last is None)[:MOST_METRICS]
    values = [f"{clean(name)} {'nan' if value.last is None else f'{value.last:.4g}'}" for name, value in known]
    more = len(run.metrics) - len(values)
    return "  ".join(values) + (f"  and {more} more" if more > 0 else "") or "-"


def _milliseconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1000)
