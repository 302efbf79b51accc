"""A callback for the Trainer of pytorch_lightning and of lightning.pytorch, which are never imported here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelhub.runs.notes import EndStatus
    from modelhub.tracking.callbacks.lightning_logger import RunLogger
    from modelhub.tracking.training_run import TrainingRun

FRAMEWORKS = ("pytorch_lightning", "lightning.pytorch")
DEFAULTS = {
    "max_epochs": (None, -1), "max_steps": (-1,), "precision": ("32-true",), "accumulate_grad_batches": (1,),
    "gradient_clip_val": (None,), "world_size": (1,), "num_nodes": (1,), "fast_dev_run": (False,),
}  # fmt: skip
"""What is recorded of a trainer, where it is none of these."""


class LightningCallback:
    """Records each `trainer.fit` as a training run; with a run that is given, all that the trainer does in it.

    `run` is a run of `modelhub.run`, or the name of the runs to begin; `about` are further keywords of `modelhub.run`.
    Checkpoints of the trainer's ModelCheckpoint are kept unless `checkpoints` is False.
    """

    def __new__(cls, *args: Any, **keywords: Any) -> LightningCallback:
        """Make one that is a `Callback` of each framework which this process has imported."""
        return object.__new__(_joined(cls))

    def __init__(self, run: TrainingRun | str | None = None, *, checkpoints: bool = True, **about: Any) -> None:
        from modelhub.tracking.callbacks.recording import Recording

        self._recording = Recording(run, about)
        self._checkpoints = checkpoints
        self._logger: RunLogger | None = None
        self._status: EndStatus = "finished"

    @property
    def run(self) -> TrainingRun | None:
        """The run of the last fit; None before one, and in every process but that of rank zero."""
        return self._recording.run

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        """Begin the run, on rank zero, and listen to what the trainer logs."""
        self._status = "finished"
        if trainer.is_global_zero:
            self._recording.begin()
            with self._recording.safely("the params"):
                self._recording.params(dict(_facts(trainer)), weak=True)
        self._listen(trainer)

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Record what is known only now: the optimizers, the batches, and what training goes on from."""
        recording = self._recording
        if not trainer.is_global_zero:
            return
        with recording.safely("the optimizer"):
            recording.params(dict(_optimizers(trainer)), weak=True)
        with recording.safely("what the training starts from"):
            if recording.run is not None and recording.is_going and trainer.global_step:
                recording.params({"resumed_at_step": trainer.global_step})
                _name_start(recording.run, str(trainer.ckpt_path or ""))

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        """Remember how it ended; checkpoints of the exception are still to come."""
        from modelhub.tracking.training_run import status_of

        stopped = type(exception).__name__ == "SIGTERMException"
        self._status = "interrupted" if stopped else status_of(exception)

    def on_validation_start(self, trainer: Any, module: Any) -> None:
        """Listen to `trainer.validate`."""
        self._listen_outside_fit(trainer)

    def on_test_start(self, trainer: Any, module: Any) -> None:
        """Listen to `trainer.test`."""
        self._listen_outside_fit(trainer)

    def on_train_end(self, trainer: Any, module: Any) -> None:
        """Record a checkpoint whose name was not known when it was written."""
        if self._logger is not None:
            self._logger.keep_checkpoints()

    def finished(self, trainer: Any, *, well: bool) -> None:
        """End the run of this fit: the trainer has done everything else."""
        trainer.loggers = [logger for logger in trainer.loggers if logger is not self._logger]
        self._logger = None
        if trainer.is_global_zero:
            self._recording.end("finished" if well else self._status)

    def __getattr__(self, name: str) -> Any:
        """Do nothing in all other hooks, where this process had not imported Lightning when it made the callback."""
        if name.startswith("on_") or name in ("setup", "teardown", "state_dict", "load_state_dict"):
            return _nothing
        if name == "state_key":
            return type(self).__name__
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __reduce__(self) -> tuple[Any, ...]:
        """Allow a process to be spawned for the training."""
        own = {"_recording": self._recording, "_checkpoints": self._checkpoints, "_logger": None}
        return LightningCallback, (), own | {"_status": "finished"}

    def _listen(self, trainer: Any) -> None:
        from modelhub.tracking.callbacks.lightning_logger import RunLogger

        with self._recording.safely("the metrics"):
            if self._logger is None or self._logger not in trainer.loggers:
                self._logger = RunLogger(trainer, self._recording, self.finished, checkpoints=self._checkpoints)
                trainer.loggers = [*trainer.loggers, self._logger]

    def _listen_outside_fit(self, trainer: Any) -> None:
        stage = str(getattr(trainer.state.fn, "value", trainer.state.fn))
        if stage == "fit" or not trainer.is_global_zero:
            return
        if self._recording.is_going:
            self._listen(trainer)
        elif self.run is not None:
            from modelhub.tracking.callbacks.recording import warn

            warn(f"the metrics of trainer.{stage}() are not recorded: the run has ended; give the callback a run")


_subclasses: dict[tuple[type, ...], type[LightningCallback]] = {}


def _joined(cls: type[LightningCallback]) -> type[LightningCallback]:
    """Return the class with Lightning's own as bases, the same one each time: the trainer compares classes."""
    found = [sys.modules[name].Callback for name in FRAMEWORKS if hasattr(sys.modules.get(name), "Callback")]
    bases = (cls, *(base for base in found if not issubclass(cls, base)))
    if len(bases) > 1 and bases not in _subclasses:
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        _subclasses[bases] = type(cls.__name__, bases, names)
    return _subclasses.get(bases, cls)


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


def _name_start(run: TrainingRun, path: str) -> None:
    """Say which checkpoint is gone on from; that of a tuner is deleted by now."""
    from modelhub.tracking.callbacks.starting_point import started_from

    if "://" in path:
        run.derived(path, "warm-start", outside=True)
    elif path and os.path.exists(path):
        started_from(run, Path(path), "warm-start")


def _facts(trainer: Any) -> Iterator[tuple[str, Any]]:
    for name, defaults in DEFAULTS.items():
        value = getattr(trainer, name, defaults[0])
        if value not in defaults:
            yield name, value
    if seed := os.environ.get("PL_GLOBAL_SEED"):
        yield "seed", int(seed)


def _optimizers(trainer: Any) -> Iterator[tuple[str, Any]]:
    batch_size = getattr(trainer.train_dataloader, "batch_size", None)
    if batch_size is not None:
        yield "batch_size", batch_size
    for number, optimizer in enumerate(trainer.optimizers):
        group: Mapping[str, Any] = optimizer.param_groups[0]
        ending = f".{number}" if number else ""
        yield f"optimizer{ending}", type(getattr(optimizer, "optimizer", optimizer)).__name__
        for name in ("lr", "weight_decay"):
            if group.get(name):
                yield f"{name}{ending}", group.get(f"initial_{name}", group[name])
