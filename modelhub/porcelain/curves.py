"""The curves of metrics: one for each training run, or one along the history for what only versions have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelhub.catalog.revisions import resolve
from modelhub.errors import InvalidInputError, ModelHubError, NotFoundError
from modelhub.porcelain.curve_points import drawable, smoothed, thinned
from modelhub.porcelain.query import query
from modelhub.repository.repository import Repository

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

MOST_CURVES = 20
MOST_PARAMS = 3
_PATIENCE_S = 60.0
_UNITS = ((3600.0 * 3, "h", 3600.0), (60.0 * 3, "min", 60.0), (0.0, "s", 1.0))


@dataclass(frozen=True, slots=True)
class Curve:
    """One line. `raw` are its values before smoothing (empty without), `points` how many there were before thinning.

    `run` is empty for a metric of versions. `status` is that of the run, "recorded" for versions.
    """

    label: str
    run: str
    status: str
    points: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    raw_x: tuple[float, ...] = ()
    raw: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """The curves of one metric over one axis; `ticks` are names for x = 0, 1, 2, ... where x is a place in history."""

    metric: str
    x_label: str
    curves: tuple[Curve, ...]
    ticks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurvesResult:
    """A panel for each metric. `left_out` counts the curves there was no room for."""

    panels: tuple[Panel, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    id: str
    name: str
    status: str
    started: str
    object_id: str | None
    commit_id: str | None
    replays: str | None


def curves(
    repo: Repository,
    *,
    words: Sequence[str],
    x: str = "step",
    smooth: int = 1,
    limit: int = MOST_CURVES,
    replays: bool = False,
) -> CurvesResult:
    """Read the curves that words name: metrics first, then runs (name or id) or versions, none for all runs.

    `x` is "step", "time" or a metric logged along. A metric that no run has is drawn along the history of the versions
    named (default: HEAD). Replays are left out unless named or asked for.

    Raises NotFoundError for a word that names nothing, InvalidInputError without a metric.
    """
    metrics, chosen = _sort_words(repo, words)
    panels = []
    hidden = 0
    for metric in metrics:
        runs = _runs_with(repo, metric, chosen, replays=replays)
        if runs:
            hidden = max(hidden, len(runs) - limit)
            drawn = runs[:limit] if chosen else runs[:limit][::-1]
            panels.append(_run_panel(repo, metric, drawn, x, smooth))
        else:
            panels.append(_history_panel(repo, metric, chosen[:limit], smooth))
    return CurvesResult(tuple(panels), max(hidden, 0))


def _sort_words(repo: Repository, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the metrics and what follows them."""
    known = {str(name) for (name,) in _rows(repo, "select name from run_metrics union select name from metrics")}
    count = next((place for place, word in enumerate(words) if word not in known), len(words))
    if count == 0:
        near = difflib.get_close_matches(words[0], sorted(known), n=1) if words else []
        listed = ", ".join(sorted(known)[:5])
        hint = f"did you mean '{near[0]}'?" if near else f"the metrics here: {listed}" if listed else None
        raise (
            NotFoundError(f"there is no metric '{words[0]}'", hint=hint)
            if words
            else InvalidInputError("no metric was named", hint=hint)
        )
    return list(dict.fromkeys(words[:count])), list(words[count:])


def _runs_with(repo: Repository, metric: str, chosen: Sequence[str], *, replays: bool) -> list[_Run]:
    """Return the runs that logged a metric: those chosen in their order, else all, the newest first."""
    rows = _rows(
        repo,
        "select r.run_id, r.name, r.status, r.started, r.object_id, r.commit_id, r.replays from runs r"
        " join run_metrics m on m.run_id = r.run_id where m.name = :metric order by r.started desc, r.run_id",
        metric=metric,
    )
    runs = [_Run(*row) for row in rows]
    results = [run for run in runs if replays or run.replays is None]
    if not chosen and runs and not results:
        raise NotFoundError(f"only replays have the metric '{metric}'", hint="--replays draws them too")
    if not chosen or not runs:
        return results
    found: dict[str, _Run] = {}
    for word in chosen:
        of_word = [run for run in runs if word == run.name or (len(word) >= 4 and run.id.startswith(word))]
        for run in of_word or _runs_of_version(repo, word, results, metric):
            found[run.id] = run
    return list(found.values())


def _runs_of_version(repo: Repository, word: str, runs: Sequence[_Run], metric: str) -> list[_Run]:
    try:
        commit = resolve(repo, word)
    except ModelHubError:
        raise NotFoundError(
            f"'{word}' is no metric, no run and no version",
            hint="'mh runs' lists the runs, 'mh log' the versions",
        ) from None
    taken = {row[0] for row in _rows(repo, "select run_id from commit_runs where commit_id = :commit", commit=commit)}
    found = [run for run in runs if run.id in taken]
    if not found:
        raise NotFoundError(
            f"no run that '{word}' took in has '{metric}'", hint="leave it away for all runs, 'mh runs' lists them"
        )
    return found


def _run_panel(repo: Repository, metric: str, runs: Sequence[_Run], x: str, smooth: int) -> Panel:
    series = {run.id: _series(repo, run) for run in runs}
    spans = [columns[metric][1] for columns in series.values() if metric in columns]
    longest = max((float(times[-1] - times[0]) / 1000 for times in spans if len(times)), default=0.0)
    unit, seconds = next((name, size) for least, name, size in _UNITS if longest >= least)
    labels = _labels(repo, runs)
    made = []
    for run in runs:
        if metric in series[run.id]:
            xs, ys = _axis(series[run.id], metric, x, seconds)
            made.append(_curve(labels[run.id], run, xs, ys, smooth))
    return Panel(metric, f"time since the first point ({unit})" if x == "time" else x, tuple(made))


def _series(repo: Repository, run: _Run) -> Mapping[str, Columns]:
    from modelhub.runs.pending import pending_points, points_of, read_sealed

    if run.object_id is None:
        return pending_points(repo, run.id)
    return points_of(repo, read_sealed(repo, run.object_id))


def _axis(series: Mapping[str, Columns], metric: str, x: str, seconds: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return where the points of a metric stand, and their values."""
    import numpy as np

    steps, times, values = series[metric]
    if x == "step":
        return steps.astype(np.float64), drawable(values)
    if x == "time":
        return (times - times[:1]) / 1000.0 / seconds, drawable(values)
    if x not in series:
        return np.empty(0), np.empty(0)
    other, _, along = series[x]
    _, mine, theirs = np.intersect1d(steps, other, return_indices=True)
    return drawable(along[theirs]), drawable(values[mine])


def _curve(label: str, run: _Run | None, xs: NDArray[Any], ys: NDArray[Any], smooth: int) -> Curve:
    drawn_x, drawn = thinned(xs, smoothed(ys, smooth))
    raw_x, raw = thinned(xs, ys) if smooth > 1 else (xs[:0], ys[:0])
    return Curve(
        label=label,
        run=run.id if run else "",
        status=run.status if run else "recorded",
        points=len(ys),
        x=tuple(drawn_x.tolist()),
        y=tuple(drawn.tolist()),
        raw_x=tuple(raw_x.tolist()),
        raw=tuple(raw.tolist()),
    )


def _labels(repo: Repository, runs: Sequence[_Run]) -> dict[str, str]:
    """Return what to call each run: its name or id, and the params in which the runs differ."""
    params: dict[str, dict[str, str]] = {run.id: {} for run in runs}
    for run_id, name, value, size in _rows(repo, "select run_id, name, value, number from run_params order by name"):
        if run_id in params:
            params[run_id][name] = str(value) if size is None else f"{size:.4g}"
    names = sorted({name for of_run in params.values() for name in of_run})
    differing = [name for name in names if len({of_run.get(name) for of_run in params.values()}) > 1][:MOST_PARAMS]
    labels = {}
    for run in runs:
        said = [f"{name}={params[run.id][name]}" for name in differing if name in params[run.id]]
        labels[run.id] = "  ".join([run.name or run.id[:8], *said])
    repeated = [label for label in labels.values() if list(labels.values()).count(label) > 1]
    return {run: f"{label} {run[:8]}" if label in repeated else label for run, label in labels.items()}


def _history_panel(repo: Repository, metric: str, revisions: Sequence[str], smooth: int) -> Panel:
    import numpy as np

    places: dict[str, int] = {}
    lines = []
    for revision in revisions or ["HEAD"]:
        rows = _rows(
            repo,
            "select c.id, m.value from ancestry a join commits c on c.id = a.ancestor_id"
            " join metrics m on m.commit_id = c.id where a.commit_id = :commit and m.name = :metric"
            " order by c.generation, c.time, c.id",
            commit=resolve(repo, revision),
            metric=metric,
        )
        lines.append((revision, rows))
        places.update((commit, len(places)) for commit, _ in rows if commit not in places)
    if not places:
        raise NotFoundError(
            f"no version in the history of '{(revisions or ['HEAD'])[0]}' has a metric '{metric}'",
            hint=f"'mh best {metric}' lists those that have it",
        )
    made = tuple(
        _curve(
            revision, None, np.array([places[row[0]] for row in rows], float), _numbers(row[1] for row in rows), smooth
        )
        for revision, rows in lines
    )
    return Panel(metric, "version, in the order of history", made, tuple(commit[:10] for commit in places))


def _numbers(values: Iterable[Any]) -> NDArray[Any]:
    import numpy as np

    words = {"nan": np.nan, "inf": np.nan, "-inf": np.nan}
    return drawable(np.array([words.get(value, value) if isinstance(value, str) else value for value in values], float))


def _rows(repo: Repository, sql: str, **params: Any) -> list[tuple[Any, ...]]:
    return query(repo, sql=sql, params=params, limit=None, timeout_s=_PATIENCE_S).rows()
