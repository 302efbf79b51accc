"""Makes one run out of the notes and points of its logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from modelhub.repository.objects import Derivation, Evaluation, Goal, ParamValue, Run, RunStatus, Series, Usage
from modelhub.runs import notes
from modelhub.runs.notes import End, Note, Start

if TYPE_CHECKING:
    from modelhub.runs.points import Columns

NO_COLUMNS = (0, 0, 0)
"""What a series' columns are while its points are in a log."""


class Folded(Struct, frozen=True):
    """A run, and its points by series."""

    run: Run
    series: Mapping[str, Columns]


class _Facts(Struct):
    """What the notes add up to. What was said twice counts once."""

    params: dict[str, ParamValue]
    tags: dict[str, str]
    goals: dict[str, Goal]
    inputs: dict[Usage, None]
    derivations: dict[Derivation, None]
    evaluations: dict[str, Evaluation]
    outputs: dict[Usage, None] = field(default_factory=dict)

    @classmethod
    def of(cls, start: Start) -> _Facts:
        """Return the facts a run begins with."""
        return cls(
            dict(start.params),
            dict(start.tags),
            dict(start.goals),
            dict.fromkeys(start.inputs),
            dict.fromkeys(start.derivations),
            dict(start.evaluations),
        )

    def add(self, note: Note) -> None:
        """Take in a note."""
        match note:
            case notes.Params(values=params):
                self.params.update(params)
            case notes.Tags(values=tags):
                self.tags.update(tags)
            case notes.Goals(values=goals):
                self.goals.update(goals)
            case notes.Input(usage=usage):
                self.inputs[usage] = None
            case notes.Output(usage=usage):
                self.outputs.pop(usage, None)
                self.outputs[usage] = None
            case notes.Derived(derivation=derivation):
                self.derivations[derivation] = None
            case notes.Evaluated(metric=metric, evaluation=evaluation):
                self.evaluations[metric] = evaluation
            case _:
                pass


def fold(start: Start, logs: Sequence[Sequence[Note]], series: Mapping[str, Columns], *, alive: bool) -> Folded:
    """Return the run that these notes tell of, the main log's first. `alive`: its process is there.

    Of outputs the last noted is the last, and those of the main log come last: `mh run` looks when the command is over.

    Without an end, a run whose process is gone was interrupted, when its last point was logged.
    """
    facts = _Facts.of(start)
    for note in (note for log in logs for note in log):
        if not isinstance(note, notes.Output):
            facts.add(note)
    for note in (note for log in (*logs[1:], logs[0]) for note in log):
        if isinstance(note, notes.Output):
            facts.add(note)
    end = next((note for note in reversed(logs[0]) if isinstance(note, End)), None)
    status, ended = _how_it_ended(start, end, series, alive=alive)
    run = Run(
        id=start.id,
        name=start.name,
        status=status,
        author=start.author,
        started=start.time,
        ended=ended,
        offset=start.offset,
        command=start.command,
        exit_code=end.exit_code if end else None,
        params=facts.params,
        tags=facts.tags,
        goals=facts.goals,
        series=tuple(_summaries(series)),
        inputs=tuple(facts.inputs),
        outputs=tuple(facts.outputs),
        derivations=tuple(facts.derivations),
        evaluations=facts.evaluations,
        head=start.head,
        tree=start.tree,
        code=start.code,
        environment=start.environment,
        packages=start.packages,
        replays=start.replays,
        origin=start.origin,
    )
    return Folded(run, series)


def _how_it_ended(
    start: Start, end: End | None, series: Mapping[str, Columns], *, alive: bool
) -> tuple[RunStatus, int | None]:
    if end is not None:
        return end.status, end.time
    if alive:
        return "running", None
    return "interrupted", max([start.time, *(int(times.max()) for _, times, _ in series.values())])


def _summaries(series: Mapping[str, Columns]) -> Iterable[Series]:
    from modelhub.runs.summary import summarise

    return (summarise(name, NO_COLUMNS, series[name][0], series[name][2]) for name in sorted(series))
