"""A run as a training script sees it: an object that is told what happens, and that keeps it whatever happens next."""

from __future__ import annotations

import atexit
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from modelhub.errors import InvalidInputError, ModelHubError, StateError
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.repository.objects import Entry, Evaluation, Usage
from modelhub.repository.repository import Act, Repository
from modelhub.runs.notes import Derived, End, EndStatus, Evaluated, Goals, Input, Note, Output, Params, Tags
from modelhub.tracking.beginning import BegunRun, Clock, RunSpec, derivation, outside_derivation, source_place
from modelhub.tracking.values import as_goals, as_metrics, as_number, as_params, as_table, as_tags, check_name
from modelhub.tracking.version_files import readable_place, version_usage

if TYPE_CHECKING:
    from modelhub.porcelain.commit import CommitResult
    from modelhub.store.object_writer import ObjectWriter

Acting = Callable[[str], Act]
AnyPath = str | os.PathLike[str]


class TrainingRun:
    """A training run. Use it in a `with` block, or call `finish`; else it ends with the interpreter.

    A process that is killed leaves it interrupted.

    Everything is on the disk when a call returns, safe from the death of this process. In a process that `mh run`
    started it is that command's run: it ends with the command.
    """

    def __init__(self, begun: BegunRun, acting: Acting) -> None:
        self._live = begun.live
        self.files = begun.files
        self._clock = begun.clock
        self._acting = acting
        self._pid = os.getpid()
        self._step = -1
        self._status: EndStatus | None = None
        self._lock = threading.Lock()
        self._recording = threading.Lock()
        self._names: set[str] = set()
        self.warnings = begun.warnings
        if begun.live.is_main:
            atexit.register(self._end_with_process)

    @property
    def id(self) -> str:
        """The id of the run: 16 hex digits."""
        return self._live.id

    def log(
        self, step: int | Mapping[str, Any] | None = None, values: Mapping[str, Any] | None = None, **metrics: Any
    ) -> None:
        """Log values of metrics at a step (default: the one after the last): `run.log(loss=0.5)`.

        Names that are no Python words go into a mapping: `run.log(step, {"val/loss": 0.5})`. Raises InvalidInputError,
        which names the metric, for what is not one number; then none of the call is logged.
        """
        if type(step) is not int and isinstance(step, Mapping):
            metrics, step = {**step, **metrics}, None
        if values is not None:
            metrics = {**values, **metrics} if isinstance(values, Mapping) else {**metrics, "values": values}
        for name, value in metrics.items():
            if type(value) is not float:
                metrics[name] = as_number(name, value)
        if not self._names.issuperset(metrics):
            self._names.update([check_name(name, "metric") for name in metrics])
        if self._status is not None:
            raise self._ended()
        with self._lock:
            number = self._step + 1 if step is None else step
            self._live.points(number, time.time_ns() // 1_000_000, metrics)
            self._step = int(number)

    def params(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Say hyperparameters: texts, numbers, booleans or None; a later value of a name counts.

        Nested tables become names with dots (`optimizer.lr`), lists JSON text.
        """
        self._note(Params(as_params({**as_table(values, "params"), **more})))

    def tag(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Give the run tags, whose values are texts."""
        self._note(Tags(as_tags({**as_table(values, "tags"), **more})))

    def goal(self, metric: str, goal: str) -> None:
        """Say whether less of a metric is better ("min") or more ("max")."""
        self._note(Goals(as_goals({metric: goal})))

    def derived(self, source: str, relation: str = "fine-tune", *, outside: bool = False) -> None:
        """Say that what the run makes comes from `REV` or `REV:PATH`. Raises RefNotFound, PathNotFound.

        With `outside` the source is a name that means something elsewhere, such as a model's on a hub.
        """
        spec = DeriveSpec(source, relation)
        if outside:
            self._note(Derived(outside_derivation(spec)))
            return
        self._note(Derived(derivation(spec, source_place(self._repository, spec))))

    def input(self, path: AnyPath) -> Path:
        """Note a file or folder that the run reads, and return where to read it.

        `REV:PATH` or `RUN:PATH` is in the folder as it was then, or written beside the run's log.
        Raises PathNotFound.
        """
        place = _absolute(path)
        text = os.fspath(path)
        if not place.exists() and ":" in text:
            usage = self.reads(text)
            place = readable_place(self._repository, usage, self.files.root, self._live.folder)
        else:
            self._record(lambda writer: [Input(self.files.input_usage(place, writer))])
        return place

    def reads(self, place: str) -> Usage:
        """Note that the run reads `REV:PATH`, or `RUN:PATH` of another run; it is not written. Raises PathNotFound."""
        usage = version_usage(self._repository, place, self.files.head)
        self._note(Input(usage))
        return usage

    def output(self, path: AnyPath, *, step: int | None = None) -> None:
        """Keep a file or folder that the run wrote, as it is now. Outside the repository's folder it is only hashed.

        Raises PathNotFound.
        """
        place = _absolute(path)
        self._record(lambda writer: [Output(self.files.output_usage(place, writer, step=step))])

    def log_model(self, path: AnyPath, weights: object = None, *, step: int | None = None) -> None:
        """Keep a model file of the folder as it is now (default step: the last that was logged).

        With `weights` (a torch module, a state_dict, a mapping from names to arrays) they are first written there, as
        safetensors and in one step. Raises InvalidInputError for weights that cannot be written.
        """
        place = _absolute(path)
        inside = self.files.inside(place)
        if inside is None:
            raise InvalidInputError(
                f"'{os.fspath(path)}' is outside the repository", hint=f"its folder is '{self.files.root}'"
            )
        if step is None and self._step >= 0:
            step = self._step
        blocks = None
        if weights is not None:
            from modelhub.tracking.weights_file import weights_blocks

            _check_ending(inside)
            blocks = weights_blocks(weights)

        def keep(writer: ObjectWriter) -> list[Note]:
            if blocks is not None:
                self.files.write(inside, blocks)
            return [Output(self.files.output_usage(place, writer, step=step))]

        self._record(keep)

    def measured_on(self, *metrics: str, data: AnyPath, code: AnyPath | None = None) -> None:
        """Say what metrics were measured on: the file or folder of the data, and of the code that measured."""
        if not metrics:
            raise InvalidInputError("no metric is named", hint="run.measured_on('accuracy', data='test.csv')")
        for name in metrics:
            check_name(name, "metric")

        def notes(writer: ObjectWriter) -> list[Note]:
            measured = self.files.input_usage(_absolute(data), writer)
            by = None if code is None else self.files.input_usage(_absolute(code), writer)
            evaluation = Evaluation(measured.oid, measured.path, by.oid if by else None, by.path if by else "")
            return [Evaluated(name, evaluation) for name in metrics]

        self._record(notes)

    def commit(
        self,
        message: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        paths: Sequence[str] = (),
        strict: bool = False,
    ) -> CommitResult:
        """End the run, if it goes on, and record a version of the folder that takes it in.

        Params and metrics that are not given are the run's. Under `mh run` the run goes on until the command ends: the
        version after takes it in. In a replay nothing is committed.
        """
        from modelhub.porcelain.commit import commit
        from modelhub.porcelain.commit_facts import CommitFacts

        if self.files.is_replay:
            return _no_commit(self._repository, message)
        self.finish()
        own = self.id if self._live.is_main else ""
        facts = CommitFacts(params=as_params(params), metrics=as_metrics(metrics), run=own)
        act = self._acting(shlex.join(("commit", "-m", message, *paths)))
        return commit(self._repository, act=act, message=message, facts=facts, paths=paths, strict=strict)

    def finish(self, status: EndStatus = "finished") -> None:
        """End the run; a second time does nothing."""
        if self._status is not None or os.getpid() != self._pid:
            return
        if status not in ("finished", "failed", "interrupted"):
            raise InvalidInputError(f"a run cannot end as {status!r}", hint="finished, failed or interrupted")
        self._status = status
        atexit.unregister(self._end_with_process)
        self._live.note(End(self._clock.now(), status))
        self._live.close()

    def __enter__(self) -> TrainingRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.finish(status_of(error))
        except ModelHubError as problem:
            if error is None:
                raise
            error.add_note(f"modelhub: the end of the run could not be recorded: {problem}")

    def __repr__(self) -> str:
        return f"<modelhub run {self.id}, {self._status or 'running'}>"

    def _end_with_process(self) -> None:
        self.finish(status_of(uncaught_error()))

    @property
    def _repository(self) -> Repository:
        return self.files.repository

    def _note(self, note: Note) -> None:
        if self._status is not None:
            raise self._ended()
        self._live.note(note)

    def _record(self, work: Callable[[ObjectWriter], list[Note]]) -> None:
        """Do work that stores something; what was stored is durable before a note names it, and gc waits for both."""
        if self._status is not None:
            raise self._ended()
        with self._recording, self._repository.writing(), self._repository.store.writer() as writer:
            notes = work(writer)
            writer.publish()
            for note in notes:
                self._live.note(note)

    def _ended(self) -> StateError:
        return StateError(f"the run {self.id} has ended: it is {self._status}", hint="mh.run() begins another")


def join_run(repository: Repository, spec: RunSpec, root: Path, acting: Acting, *, run_id: str) -> TrainingRun:
    """Return the run that another process began, for this process to log to; what the spec says is added to it.

    The name of a run that has one stays; of one without, a name given later becomes the tag `name`.

    Raises NotFoundError, StateError where the run has ended.
    """
    from modelhub.repository.trees import read_files
    from modelhub.runs.live import LiveRun
    from modelhub.tracking.finding import find_pending
    from modelhub.tracking.run_files import RunFiles

    found = find_pending(repository, run_id)
    if found.status != "running":
        raise StateError(f"the run {run_id} has ended: it is {found.status}", hint="unset MH_RUN to begin another")
    places = [source_place(repository, source) for source in spec.sources]
    known: dict[str, Entry] = {} if found.tree is None else read_files(repository, found.tree)
    live = LiveRun.join(repository.layout, run_id)
    tags = dict(spec.tags) if found.name or not spec.name else {"name": spec.name, **spec.tags}
    for note in (Params(dict(spec.params)), Tags(tags), Goals(dict(spec.goals))):
        if note.values:
            live.note(note)
    for source, place in zip(spec.sources, places, strict=True):
        live.note(Derived(derivation(source, place)))
    begun = BegunRun(live, RunFiles(repository, root, known, places, found.head), Clock(acting("run")), ())
    return TrainingRun(begun, acting)


def _absolute(path: AnyPath) -> Path:
    text = os.fspath(path)
    if not text:
        raise InvalidInputError("a path is empty", hint="'.' is the folder you are in")
    return Path(os.path.abspath(text))


def _check_ending(path: str) -> None:
    if not path.endswith(".safetensors"):
        raise InvalidInputError(
            f"'{path}' does not end in '.safetensors'",
            hint="weights are written as safetensors; write another kind yourself, then log_model(path)",
        )


def status_of(error: BaseException | None) -> EndStatus:
    """Return how a run ends that this error leaves."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "finished"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


def uncaught_error() -> BaseException | None:
    """Return the error that ends this process, when it ends; in an interactive session none does."""
    if hasattr(sys, "ps1"):
        return None
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)


def _no_commit(repository: Repository, message: str) -> CommitResult:
    from modelhub.porcelain.commit import CommitResult

    refs = repository.refs
    return CommitResult(
        refs.head_commit or "", refs.branch, (), message, (), 0, 0, 0, 0, (), ("this is a replay: no version was made",)
    )
