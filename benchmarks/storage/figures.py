"""Draw the last results: size against speed, and size against the budget for restoring, as SVG into
docs/explanation/figures.

`python -m benchmarks.storage.figures`, after size_of_deltas, twenty_checkpoints and beside_systems.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks.storage.results import kept
from benchmarks.storage.size_of_deltas import OURS, REPACKED

FOLDER = Path(__file__).parents[2] / "docs/explanation/figures"
MINE, THEIRS, YARDSTICK = "#0b6e4f", "#8a8f98", "#c1666b"
WHAT = ("fine-tune", "next checkpoint")


def drawing(columns: int) -> tuple[Any, Any]:
    """Return a figure of plots side by side whose file is the same for the same figures."""
    mpl.rcParams.update(
        {"svg.hashsalt": "modelhub", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    )
    return plt.subplots(1, columns, figsize=(4.6 * columns, 3.6), layout="constrained")


def write(figure: Any, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    print(f"wrote docs/explanation/figures/{name}.svg")


def point(axes: Any, at: tuple[float, float], name: str, *, ours: bool, marker: str = "o") -> None:
    """Draw one named point; ours is in its own colour."""
    colour = MINE if ours else THEIRS
    axes.plot(*at, marker, color=colour, markersize=7 if ours else 5)
    axes.annotate(name, at, xytext=(6, 3), textcoords="offset points", color=colour, fontsize=8)


def size_against_speed() -> None:
    """Draw each codec, in one thread, and modelhub's whole commands; small and fast is at the lower right."""
    answers = {(answer["what"], answer["kind"]): answer["codecs"] for answer in kept("size_of_deltas")}
    figure, plots = drawing(len(WHAT))
    for axes, what in zip(plots, WHAT, strict=True):
        for name, found in answers[what, "fp32"].items():
            if found is not None:
                ours = name in (OURS, REPACKED)
                point(
                    axes,
                    (found["speed"], found["share"]),
                    name.replace("`", ""),
                    ours=ours,
                    marker="s" if ours else "o",
                )
        axes.set(xscale="log", xlabel="raw MB/s", ylabel="share of raw", title=f"{what}, fp32", ylim=(0, 1))
        axes.margins(x=0.25)
    write(figure, "size-against-speed")


def size_against_budget() -> None:
    """Draw the store of twenty-one checkpoints for every budget, and the slowest restore that came of it."""
    found = kept("twenty_checkpoints")
    if not found["budgets"]:
        print("no picture of budgets: this modelhub has no `mh repack`")
        return
    figure, axes = drawing(1)
    for budget, one in found["budgets"].items():
        at = one["slowest"] / found["materialised"], one["nbytes"] / found["raw"]
        point(axes, at, f"budget {budget}", ours=True, marker="s")
    for name, nbytes in found["stores"].items():
        if name.startswith("chain"):
            axes.axhline(nbytes / found["raw"], color=YARDSTICK, linewidth=1, linestyle="--")
            axes.annotate(
                name,
                (0.99, nbytes / found["raw"]),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=8,
            )
    axes.set(
        xlabel="slowest restore, in times of a materialised version",
        ylabel="store, share of raw",
        title="21 checkpoints, fp32, after mh repack",
    )
    axes.margins(x=0.25, y=0.2)
    write(figure, "size-against-budget")


def systems() -> None:
    """Draw what each system adds for a fine-tune against the speed of its add and commit, whole processes."""
    figure, axes = drawing(1)
    for name, (commit, _, share, raw) in kept("beside_systems").items():
        point(axes, (raw / 1e6 / commit, share), name, ours=name == "modelhub", marker="s")
    axes.set(
        xscale="log",
        xlabel="raw MB/s, add + commit, whole processes",
        ylabel="store grows by, share of raw",
        title="a fine-tune after its base, fp32",
        ylim=(0, 1.15),
    )
    axes.margins(x=0.25)
    write(figure, "systems")


def main() -> None:
    size_against_speed()
    size_against_budget()
    systems()


if __name__ == "__main__":
    main()
