"""What a Lightning trainer logs and saves, as its loggers hear of it: at the right step, and not in sanity checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelhub.tracking.callbacks.recording import Recording


class RunLogger:
    """Stands among a trainer's loggers while it trains. It changes nothing: names and places are as without it.

    `finished` is called when the trainer is done, with whether it went well.
    """

    def __init__(self, trainer: Any, recording: Recording, finished: Callable[..., None], *, checkpoints: bool) -> None:
        self._trainer = trainer
        self._recording = recording
        self._finished = finished
        self._checkpoints = checkpoints
        self._kept: dict[str, tuple[int, ...]] = {
            str(path): _state(path) for path in self._checkpoint_files() if path.exists()
        }
        others = trainer.loggers
        self.save_dir = trainer.default_root_dir
        self.name = others[0].name if others else ""
        self.version = others[0].version if others else ""
        self.experiment = _Nothing()

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log what the trainer logs, on rank zero."""
        if self._trainer.is_global_zero:
            self._recording.log(self._trainer.global_step if step is None else step, metrics)

    def log_hyperparams(self, params: Any = None, *_: Any, **more: Any) -> None:
        """Record the hyperparameters of the module and its data."""
        if self._trainer.is_global_zero:
            self._recording.params(params)
            self._recording.params(more)

    def after_save_checkpoint(self, _: object) -> None:
        """Keep a checkpoint that was just written."""
        self.keep_checkpoints()

    def keep_checkpoints(self) -> None:
        """Keep the checkpoint files that are new or not as they were."""
        if not self._checkpoints or not self._trainer.is_global_zero:
            return
        with self._recording.safely("a checkpoint"):
            for path in self._checkpoint_files():
                if path.exists() and not path.is_symlink() and self._kept.get(str(path)) != _state(path):
                    self._kept[str(path)] = _state(path)
                    self._recording.output(path, self._trainer.global_step)

    def finalize(self, status: str) -> None:
        """Tell that the trainer is done."""
        self.keep_checkpoints()
        if self._trainer.is_global_zero:
            with self._recording.safely("the best checkpoint"):
                self._tag_best()
        self._finished(self._trainer, well=status == "success")

    def __getattr__(self, name: str) -> Any:
        """Do nothing in all that loggers can do besides."""
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing

    def _checkpoint_files(self) -> Iterator[Path]:
        seen = set()
        for callback in self._trainer.checkpoint_callbacks:
            paths = [getattr(callback, name, "") for name in ("_last_checkpoint_saved", "last_model_path")]
            paths += [getattr(callback, "best_model_path", ""), *getattr(callback, "best_k_models", ())]
            for path in paths:
                if path and path not in seen:
                    seen.add(path)
                    yield Path(path)

    def _tag_best(self) -> None:
        run = self._recording.run
        for callback in self._trainer.checkpoint_callbacks:
            best = getattr(callback, "best_model_path", "")
            monitor = getattr(callback, "monitor", None)
            if run is None or not self._recording.is_going:
                return
            if best and monitor not in (None, "step", "epoch"):
                run.tag(best_checkpoint=self._recording.inside(best))
                run.goal(monitor, callback.mode)


class _Nothing:
    """Takes every call."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


def _state(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
