"""Curves as a picture (SVG or PNG) with axes, a legend and colours that everybody can tell apart."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from modelhub.errors import StateError
from modelhub.porcelain.curves import CurvesResult, Panel

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)))
MARKED_POINTS = 30
DENSE_POINTS = 500
LETTERS_PER_INCH = 12.5
MOST_BELOW = 8
MANY_STEPS = 10_000
MOST_TICKS = 12
FEW_TICKS = 4

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "modelhub",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": "#222222",
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}
_ENDS = {"interrupted": ("x", "stopped early"), "failed": ("x", "failed"), "running": ("o", "still running")}


def draw(result: CurvesResult, form: str, *, log_y: bool = False) -> bytes:
    """Return the picture, byte for byte the same for the same curves. Raises StateError where matplotlib is missing."""
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise StateError("plots need matplotlib", hint="install it: pip install 'modelhub[plot]'") from None
    settings: Any = {**matplotlib.rcParamsDefault, **_STYLE, "backend": "agg"}
    with matplotlib.rc_context(settings):
        columns = min(len(result.panels), 2 if len(result.panels) <= 4 else 3)
        rows = -(-len(result.panels) // columns)
        width = {1: 8.0, 2: 11.0}.get(columns, 14.0)
        beside, below = _legend_size(result, width)
        height = 4.4 if rows == 1 else 3.4 * rows
        figure = Figure(figsize=(width + beside, height + below), layout="constrained")
        FigureCanvasAgg(figure)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        shown = _styles(result)
        for panel, axis in zip(result.panels, axes, strict=False):
            _draw_panel(axis, panel, shown, log_y=log_y)
        for axis in axes[len(result.panels) :]:
            axis.set_visible(False)
        _legend(figure, result, shown)
        sink = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(sink, format=form, dpi=150, metadata=metadata)
    return sink.getvalue()


def _styles(result: CurvesResult) -> dict[str, dict[str, Any]]:
    """Return colour and dashes by label, so that a run looks alike in every panel."""
    labels = dict.fromkeys(curve.label for panel in result.panels for curve in panel.curves)
    return {
        label: {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[place // len(COLOURS) % len(DASHES)]}
        for place, label in enumerate(labels)
    }


def _draw_panel(axis: Any, panel: Panel, shown: dict[str, dict[str, Any]], *, log_y: bool) -> None:
    for curve in panel.curves:
        style = shown[curve.label]
        marker = "o" if len(curve.x) <= MARKED_POINTS else ""
        if curve.raw:
            axis.plot(curve.raw_x, curve.raw, color=style["color"], linewidth=0.7, alpha=0.3)
        width = 1.7 if curve.raw or len(curve.x) <= DENSE_POINTS else 0.9
        axis.plot(curve.x, curve.y, linewidth=width, marker=marker, markersize=3.5, **style)
        last = next((place for place in reversed(range(len(curve.y))) if math.isfinite(curve.y[place])), None)
        if curve.status in _ENDS and last is not None:
            axis.plot(
                curve.x[last : last + 1],
                curve.y[last : last + 1],
                color=style["color"],
                marker=_ENDS[curve.status][0],
                markersize=9,
                markerfacecolor="none",
                markeredgewidth=2.2,
                clip_on=False,
                zorder=5,
            )
    axis.grid(visible=True)
    axis.margins(x=0.02)
    axis.set_xlabel(_escaped(panel.x_label))
    axis.set_ylabel(_escaped(panel.metric))
    if log_y:
        _make_logarithmic(axis)
    _number_axis(axis, panel)


def _make_logarithmic(axis: Any) -> None:
    """Mark 1, 2 and 5 of each power of ten, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _number_axis(axis: Any, panel: Panel) -> None:
    """Write steps as whole numbers, long ones as 10k, and places in history as the ids of versions."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    if panel.ticks:
        apart = -(-len(panel.ticks) // MOST_TICKS)
        places = range(0, len(panel.ticks), apart)
        labels = [panel.ticks[place] for place in places]
        slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if len(labels) > FEW_TICKS else {}
        axis.set_xticks(list(places), labels, family="monospace", **slanted)
        return
    axis.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=panel.x_label in ("step", "epoch")))
    if max((x for curve in panel.curves for x in curve.x), default=0.0) >= MANY_STEPS:
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))


def _legend(figure: Any, result: CurvesResult, shown: dict[str, dict[str, Any]]) -> None:
    from matplotlib.lines import Line2D

    entries = _entries(result)
    if len(entries) < 2 and not any(mark for _, _, mark in entries):
        (only,) = entries or [("", "", "")]
        figure.suptitle(only[1], fontsize=10, color="#222222")
        return
    lines = [
        Line2D(
            [], [], linewidth=1.7, marker=mark, markersize=7, markerfacecolor="none", markeredgewidth=2, **shown[label]
        )
        for label, _, mark in entries
    ]
    many = len(entries) > MOST_BELOW
    figure.legend(
        lines,
        [text for _, text, _ in entries],
        loc="outside right upper" if many else "outside lower center",
        ncols=1 if many else _legend_columns([text for _, text, _ in entries], figure.get_figwidth()),
        frameon=False,
        fontsize=9,
        handlelength=2.8,
    )


def _entries(result: CurvesResult) -> list[tuple[str, str, str]]:
    """Return for each line its label, what the legend says, and the mark at its end."""
    found = {}
    for panel in result.panels:
        for curve in panel.curves:
            mark, word = _ENDS.get(curve.status, ("", ""))
            found[curve.label] = (curve.label, _escaped(curve.label + (f" ({word})" if word else "")), mark)
    return list(found.values())


def _escaped(text: str) -> str:
    """Keep `$` from starting a formula."""
    return text.replace("$", r"\$")


def _legend_size(result: CurvesResult, width: float) -> tuple[float, float]:
    """Return how many inches the legend takes beside the panels, and how many below them."""
    texts = [text for _, text, _ in _entries(result)]
    if len(texts) > MOST_BELOW:
        return (max(map(len, texts)) + 8) / LETTERS_PER_INCH, 0.0
    return 0.0, 0.22 * -(-len(texts) // _legend_columns(texts, width)) if texts else 0.0


def _legend_columns(texts: Sequence[str], width: float) -> int:
    letters = int(LETTERS_PER_INCH * width)
    return max(1, min(5, len(texts), letters // (max(map(len, texts), default=1) + 8)))
