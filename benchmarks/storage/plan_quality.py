"""How small are the storage plans: every solver beside the paper's curve, beside the optimum, and on 20,000 tensors.

python benchmarks/storage/plan_quality.py            # all of it: a quarter of an hour, most of it the integer program
python benchmarks/storage/plan_quality.py curve      # or: optimum, scale
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from generated_graphs import budgeted, repository
from measure import run

from modelhub.archive.portfolio import Solution, solve

FIGURE = Path(__file__).parents[2] / "docs/explanation/figures/storage-against-budget.svg"
SOLVERS = ("shortest paths", "LAST", "PAS-MT", "PAS-PT", "balance")
SHARES = (1.1, 1.2, 1.5, 2.0, 3.0, 4.0)
SEEDS = (0, 1, 2)
SECONDS = 20.0

PAPER_LEAST = 15.44
PAPER = {
    1.0: (22.77, 22.77, 22.77),
    1.1: (20.06, 20.05, 20.21),
    1.3: (20.06, 20.04, 20.08),
    1.5: (20.06, 20.04, 19.66),
    1.6: (20.06, 16.73, 19.67),
    1.8: (17.50, 15.63, 19.60),
    2.0: (17.10, 15.62, 17.73),
    2.2: (17.10, 15.62, 16.05),
    2.5: (17.94, 15.50, 16.04),
    3.0: (17.60, 15.47, 15.93),
    3.3: (16.18, 15.46, 16.00),
    4.0: (15.91, 15.45, 15.99),
}
"""Read off Fig. 6c of the paper: budget as a share of shortest paths' cost -> storage of LAST, PAS-MT, PAS-PT."""


def main() -> None:
    asked = sys.argv[1:] or list(QUESTIONS)
    for name in asked:
        QUESTIONS[name]()


def curve() -> None:
    """A graph of the size of the paper's: 54 snapshots of 16 layers."""
    graph = repository(9, 6, 16, seed=0)
    print(f"\n## Storage against budget: {graph.vertices} tensors, 54 groups, over the least storage\n")
    _head("budget", *SOLVERS, "paper: LAST", "PAS-MT", "PAS-PT")
    ours: dict[str, list[float]] = {name: [] for name in SOLVERS}
    for share, paper in PAPER.items():
        ratios = _ratios(solve(budgeted(graph, share, "independent")))
        for name in SOLVERS:
            ours[name].append(ratios[name][0])
        _row(f"{share:g}", *(_shown(*ratios[name]) for name in SOLVERS), *(f"{x / PAPER_LEAST:.3f}" for x in paper))
    _draw(ours)


def optimum() -> None:
    """Small graphs, where an integer program knows the optimum or a bound on it."""
    from exact_plans import exact

    for scheme in ("independent", "parallel"):
        print(f"\n## Over the least storage, {scheme}: 180 tensors, 30 groups, median of {len(SEEDS)} graphs\n")
        _head("budget", *SOLVERS, "optimum, or bound", "best / that", "largest", "optima proved")
        for share in SHARES:
            graphs = [budgeted(repository(6, 5, 6, seed), share, scheme) for seed in SEEDS]
            solutions = [solve(graph, scheme=scheme) for graph in graphs]
            ratios = [_ratios(solution) for solution in solutions]
            cells = [_median([ratio[name] for ratio in ratios]) for name in SOLVERS]
            pairs = zip(graphs, solutions, strict=True)
            best = [exact(graph, scheme, SECONDS, solution.plan.storage) for graph, solution in pairs]
            bounds = [
                found.bound * ratio["shortest paths"][0] / solution.attempts[0].storage
                for found, ratio, solution in zip(best, ratios, solutions, strict=True)
            ]
            away = [solution.plan.storage / found.bound for solution, found in zip(solutions, best, strict=True)]
            proved = sum(found.storage - found.bound <= 1e-5 * found.storage for found in best)
            shown = [f"{value:.4f}" for value in (statistics.median(bounds), statistics.median(away), max(away))]
            _row(f"{share:g}", *cells, *shown, f"{proved} of {len(SEEDS)}")


def scale() -> None:
    """200 versions of 100 tensors, each of them in a process of its own, which tells its memory."""
    for scheme in ("independent", "parallel"):
        print(f"\n## 200 versions x 100 tensors, {scheme}, budget 1.6, depth at most 20\n", flush=True)
        done = run([sys.executable, __file__, "_scale", scheme], Path(__file__).parent)
        print(done.output.strip())
        print(f"\npeak memory of the process: {done.peak_nbytes / 2**20:.0f} MiB")


def _scale(scheme: str) -> None:
    graph = budgeted(repository(40, 5, 100, seed=0, skips=True, doubles=True), 1.6, scheme)
    started = time.perf_counter()
    marks = [started]

    class Stopwatch:
        def start(self, label: str, total: int | None, unit: str = "bytes") -> None:
            """The first mark is set already."""

        def advance(self, amount: int) -> None:
            marks.append(time.perf_counter())

        def note(self, text: str) -> None: ...

    solution = solve(graph, scheme=scheme, max_depth=20, progress=Stopwatch())
    ratios = _ratios(solution)
    print(f"{graph.vertices} tensors, {len(graph.edges)} edges: {time.perf_counter() - started:.1f} s\n")
    _head("solver", "over the least storage", "seconds", "ended")
    for attempt, before, after in zip(solution.attempts, marks[1:], marks[2:], strict=False):
        _row(attempt.solver, _shown(*ratios[attempt.solver]), f"{after - before:.1f}", "yes" if attempt.ended else "no")


def _ratios(solution: Solution) -> dict[str, tuple[float, bool]]:
    by_name = {attempt.solver: attempt for attempt in solution.attempts}
    least = by_name["least storage"].storage
    return {name: (attempt.storage / least, attempt.fault is None) for name, attempt in by_name.items()}


def _median(values: list[tuple[float, bool]]) -> str:
    kept = [value for value, allowed in values if allowed]
    missed = len(values) - len(kept)
    text = f"{statistics.median(kept):.3f}" if kept else "-"
    return f"{text} ({missed} missed)" if missed else text


def _shown(value: float, allowed: bool) -> str:
    return f"{value:.3f}" if allowed else f"{value:.3f} (missed)"


def _head(*names: str) -> None:
    _row(*names)
    print("|" + "---|" * len(names), flush=True)


def _row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def _draw(ours: dict[str, list[float]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "modelhub"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2))
    shares = list(PAPER)
    for number, name in enumerate(SOLVERS[1:]):
        axes.plot(shares, ours[name], marker="o", markersize=3, color=f"C{number}", label=name)
    for number, name in enumerate(("LAST", "PAS-MT", "PAS-PT")):
        curve = [storages[number] / PAPER_LEAST for storages in PAPER.values()]
        axes.plot(shares, curve, linestyle=":", color=f"C{number}", label=f"{name}, paper's own data")
    axes.set_xlabel("recreation budget / cost of shortest paths")
    axes.set_ylabel("storage / least storage")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"\nfigure: {FIGURE.relative_to(Path(__file__).parents[2])}")


QUESTIONS: dict[str, Callable[[], None]] = {"curve": curve, "optimum": optimum, "scale": scale}

if __name__ == "__main__":
    if sys.argv[1:2] == ["_scale"]:
        _scale(sys.argv[2])
    else:
        main()
