"""A callback for the Trainer of transformers, which is never imported here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelhub.errors import InvalidInputError

if TYPE_CHECKING:
    from modelhub.tracking.training_run import TrainingRun

Checkpoints = Literal["model", "all", "none"]

ALWAYS = ("learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "seed")
PLACES = (
    "output_dir",
    "logging_dir",
    "run_name",
    "report_to",
    "project",
    "disable_tqdm",
    "resume_from_checkpoint",
    "local_rank",
)
"""Arguments that say where things are put or shown, and nothing about the training; also those named `hub_...`."""

PREFIXES = (("eval_", "eval/"), ("test_", "test/"))


class TransformersCallback:
    """Records each `trainer.train` as a training run; with a run that is given, what `trainer.evaluate` says too.

    `run` is a run of `modelhub.run`, or the name of the runs to begin; `about` are further keywords of `modelhub.run`.
    Of each checkpoint its weights are kept ("model"), or all of it, from which training can go on ("all"), or "none".
    """

    def __init__(
        self, run: TrainingRun | str | None = None, *, checkpoints: Checkpoints = "model", **about: Any
    ) -> None:
        from modelhub.tracking.callbacks.recording import Recording

        if checkpoints not in ("model", "all", "none"):
            raise InvalidInputError(f"checkpoints={checkpoints!r}", hint="it is 'model', 'all' or 'none'")
        self._recording = Recording(run, about)
        self._checkpoints = checkpoints

    @property
    def run(self) -> TrainingRun | None:
        """The run of the last training; None before one, and in every process but that of rank zero."""
        return self._recording.run

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Begin the run, with the arguments that were chosen and the model that is trained on."""
        recording = self._recording
        if not state.is_world_process_zero:
            return
        recording.begin()
        if state.global_step:
            recording.params({"resumed_at_step": state.global_step})
        with recording.safely("the arguments"):
            recording.params(dict(_chosen(args)))
            self._tell_goal(args)
        with recording.safely("the model that is trained on"):
            self._tell_origin(model)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Log the metrics at the step of the trainer."""
        if state.is_world_process_zero:
            numbers = {_renamed(name): value for name, value in (logs or {}).items() if isinstance(value, (int, float))}
            self._recording.log(state.global_step, numbers)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the checkpoint that was just written."""
        if not state.is_world_process_zero or self._checkpoints == "none":
            return
        from modelhub.tracking.callbacks.starting_point import card_files, model_files

        with self._recording.safely("a checkpoint"):
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            for file in [*model_files(folder), *card_files(folder)]:
                self._recording.output(file, state.global_step)
            if self._checkpoints == "all":
                self._recording.output(folder, state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tag the best checkpoint, and end the run."""
        recording = self._recording
        if not state.is_world_process_zero:
            return
        with recording.safely("the best checkpoint"):
            if state.best_model_checkpoint and recording.run is not None and recording.is_going:
                recording.run.tag(best_checkpoint=recording.inside(state.best_model_checkpoint))
        recording.end("finished")

    def __getattr__(self, name: str) -> Any:
        """Do nothing in the hooks that are not used, also in those that are yet to be invented."""
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _tell_goal(self, args: Any) -> None:
        metric = getattr(args, "metric_for_best_model", None)
        if metric and self.run is not None and self._recording.is_going:
            name = metric if metric.startswith("eval_") else f"eval_{metric}"
            self.run.goal(_renamed(name), "max" if args.greater_is_better else "min")

    def _tell_origin(self, model: Any) -> None:
        from modelhub.porcelain.model_cards import is_public_name
        from modelhub.tracking.callbacks.starting_point import started_from

        if model is None:
            return
        is_adapter = hasattr(model, "peft_config")
        name = str(getattr(getattr(model, "config", None), "_name_or_path", None) or "")
        about = {"model_class": type(model.get_base_model() if is_adapter else model).__name__}
        self._recording.params(about | ({"model": name} if name else {}), weak=True)
        if is_adapter:
            self._recording.params({"peft": _adapter(model)})
        if not name or self.run is None or not self._recording.is_going:
            return
        relation = "adapter" if is_adapter else "fine-tune"
        if Path(name).exists():
            started_from(self.run, Path(name), relation)
        elif is_public_name(name):
            self.run.derived(name, relation, outside=True)


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


def _adapter(model: Any) -> dict[str, Any]:
    config = next(iter(model.peft_config.values()))
    found = {name: getattr(config, name, None) for name in ("peft_type", "r", "lora_alpha", "lora_dropout")}
    return {name: value for name, value in found.items() if value is not None}


def _renamed(name: str) -> str:
    """Return a metric's name with its stage before a slash, as other trackers name those of this trainer."""
    if name == "epoch":
        return name
    for prefix, stage in PREFIXES:
        if name.startswith(prefix):
            return stage + name.removeprefix(prefix)
    return f"train/{name}"


def _chosen(args: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that differ from their defaults, and those that everybody asks for."""
    for field in dataclasses.fields(args):
        name = field.name
        if not field.init or name in PLACES or name.startswith("hub_") or name.endswith("_token"):
            continue
        value = _plain(getattr(args, name))
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if (name == "max_steps" and value == default) or not (value or default):
            continue
        if name in ALWAYS or (value != _plain(default) and not _is_settled(name, value, default)):
            yield name, value


def _is_settled(name: str, value: Any, default: Any) -> bool:
    """Tell whether the library itself put a value where none was given."""
    if not default and value in (False, [], {}, "no"):
        return True
    return default is None and (name.endswith("_config") or name == "greater_is_better")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
