"""How a replay compares with its run, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelhub.cli.output.quantities import count, number, size, small
from modelhub.cli.output.sections import titled_pairs, titled_table
from modelhub.cli.output.tables import Cell, Column, Row
from modelhub.cli.output.terminal import Terminal
from modelhub.cli.output.text import clean, cut_middle
from modelhub.tracking.replay import ReplayResult
from modelhub.tracking.replay_comparison import MetricComparison, OutputComparison, SettingComparison

MOST_SETTINGS = 10

_STYLES = {"differs": ("yellow",), "missing": ("red",), "identical": ("green",)}
_COMPARED = (Column(least=16, cut=cut_middle), Column(), Column(least=20))


def replay_lines(result: ReplayResult, terminal: Terminal) -> Iterator[str]:
    """Yield how a replay compares with its run."""
    yield f"run {terminal.style(result.run, 'yellow')} again as {terminal.style(result.replay, 'yellow')}"
    codes = [number(code) for code in (result.exit_code_before, result.exit_code)]
    if result.exit_code != (result.exit_code_before or 0):
        yield f"  {terminal.style('exit code', 'red')}  {codes[0]} then, {codes[1]} now"
    outputs: list[Row] = [_output_row(item) for item in result.outputs]
    metrics: list[Row] = [_metric_row(item) for item in result.metrics]
    yield from titled_table("outputs", _COMPARED, outputs, terminal)
    yield from titled_table("metrics", _COMPARED, metrics, terminal)
    yield from _settings("environment", result.environment, terminal)
    yield from _settings("packages", result.packages, terminal)
    if result.folder is not None:
        yield f"it ran in {clean(result.folder)}"
    word, style = ("identical", "green") if result.identical else ("not identical", "yellow")
    yield terminal.style(word, "bold", style)


def _output_row(item: OutputComparison) -> Row:
    name = clean(item.path) + (f" at step {item.step}" if item.step is not None else "")
    if item.tensors is not None and item.tensors > 0:
        how = f"{count(item.tensors, 'tensor')} by up to {small(item.relative)}, single values by up to "
        how += small(item.largest)
    elif item.verdict == "differs" and item.size_before is not None and item.size_after is not None:
        how = f"{size(item.size_before)} then, {size(item.size_after)} now"
    else:
        how = ""
    return name, Cell(item.verdict, _STYLES.get(item.verdict, ())), how


def _metric_row(item: MetricComparison) -> Row:
    how = count(item.points_before or item.points_after, "point")
    if item.verdict == "differs":
        how = f"from step {item.step}: {number(item.before)} then, {number(item.after)} now"
    return clean(item.name), Cell(item.verdict, _STYLES.get(item.verdict, ())), how


def _settings(title: str, items: Sequence[SettingComparison], terminal: Terminal) -> Iterator[str]:
    rows = [(clean(item.name), f"{clean(number(item.before))} then, {clean(number(item.after))} now") for item in items]
    yield from titled_pairs(title, rows[:MOST_SETTINGS], terminal)
    if len(rows) > MOST_SETTINGS:
        yield f"  and {len(rows) - MOST_SETTINGS} more"
