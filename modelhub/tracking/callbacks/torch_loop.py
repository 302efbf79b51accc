"""Records a training loop written by hand for PyTorch, which is never imported here."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from modelhub.errors import InvalidInputError, StateError

if TYPE_CHECKING:
    from modelhub.runs.notes import EndStatus
    from modelhub.tracking.training_run import TrainingRun


SHARDED = "the model is sharded; gather its state_dict in all processes and give it to run.log_model()"


class TorchCallback:
    """Records a loop as a training run: a `with` block around it, and a call of `step` in it after each optimizer step.

    Every so many steps the metrics are logged with learning rates and speed; until then a loss on a GPU is not waited
    for. Every `checkpoint_every` steps, and at the end, the weights are kept in the file `path`. `run` is a run of
    `modelhub.run`, or the name of the run to begin; `about` are further keywords of `modelhub.run`.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any = None,
        run: TrainingRun | str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        every: int = 1,
        checkpoint_every: int | None = None,
        grad_norm: bool = False,
        **about: Any,
    ) -> None:
        from modelhub.tracking.callbacks.recording import Recording

        _check(model, optimizer, path, (every, checkpoint_every or 1))
        if checkpoint_every and path is None:
            raise InvalidInputError("checkpoints have no path", hint="path='model.safetensors'")
        self._recording = Recording(run, about)
        self._model, self._optimizer = model, optimizer
        self._path = None if path is None else Path(os.path.abspath(path))
        if self._path is not None:
            self._recording.check_inside(self._path)
        self._every, self._checkpoint_every, self._grad_norm = every, checkpoint_every, grad_norm
        self._steps = self._kept_after = 0
        self._has_begun = False
        self._clock = _Clock()

    @property
    def run(self) -> TrainingRun | None:
        """The run that is recorded; None before the first step or the `with`, and in all processes but the first."""
        return self._recording.run

    def resume(self, path: str | os.PathLike[str], steps: int) -> None:
        """Say that this training goes on from a checkpoint file after so many steps: the steps count on from there."""
        from modelhub.tracking.callbacks.starting_point import started_from

        self._begin()
        self._steps = self._kept_after = steps
        with self._recording.safely("what the training starts from"):
            if _is_first_process() and self.run is not None:
                self.run.params(resumed_at_step=steps)
                started_from(self.run, Path(path), "warm-start")

    def step(self, metrics: Mapping[str, Any] | None = None, /, *, samples: int = 0, **more: Any) -> None:
        """Count a step of the optimizer and log its metrics: `step(loss=loss)`.

        With `samples`, how many the batch had, they are counted by the second. Norms of gradients need this call to
        come before they are set to zero.
        """
        self._begin()
        step, self._steps = self._steps, self._steps + 1
        if not _is_first_process():
            return
        with self._recording.safely("the metrics"):
            self._clock.count(samples)
            if step % self._every == 0:
                self._recording.log(step, {**(metrics or {}), **more, **self._measured()})
        if self._checkpoint_every and self._steps % self._checkpoint_every == 0:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Keep the weights as they are now in the file `path`."""
        self._begin()
        run = self.run
        if self._path is None or run is None or not _is_first_process():
            return
        started = time.monotonic()
        with self._recording.safely("a checkpoint"):
            if _is_sharded(self._model):
                raise StateError(SHARDED)
            run.log_model(self._path, _unwrapped(self._model), step=max(self._steps - 1, 0))
            self._kept_after = self._steps
        self._clock.pause(time.monotonic() - started)

    def finish(self, status: EndStatus = "finished") -> None:
        """Keep the last weights if the training finished, and end the run, unless it was given."""
        if status == "finished" and self._has_begun and self._kept_after < self._steps:
            self.checkpoint()
        self._recording.end(status)

    def __enter__(self) -> TorchCallback:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from modelhub.tracking.training_run import status_of

        self.finish(status_of(error))

    def _begin(self) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        if not _is_first_process():
            return
        self._recording.begin()
        with self._recording.safely("the optimizer"):
            self._recording.params(_described(self._model, self._optimizer), weak=True)

    def _measured(self) -> dict[str, float]:
        found = self._clock.read()
        for number, group in enumerate(self._optimizer.param_groups if self._optimizer is not None else ()):
            found["lr" if not number else f"lr/{number}"] = float(group["lr"])
        if self._grad_norm and not _is_sharded(self._model):
            norm = _norm_of_gradients(self._model)
            found |= {} if norm is None else {"grad_norm": norm}
        return found


class _Clock:
    """How fast steps go since it was last read; what is taken for checkpoints does not count."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._steps = self._samples = 0

    def count(self, samples: int) -> None:
        """Count a step."""
        if self._since is None:
            self._since = time.monotonic()
        else:
            self._steps += 1
            self._samples += samples

    def pause(self, seconds: float) -> None:
        """Leave out some time."""
        self._since = None if self._since is None else self._since + seconds

    def read(self) -> dict[str, float]:
        """Return what can be told, and begin anew."""
        now = time.monotonic()
        took = 0.0 if self._since is None else now - self._since
        found: dict[str, float] = {}
        if self._steps and took > 0:
            found["steps_per_s"] = self._steps / took
            found |= {"samples_per_s": self._samples / took} if self._samples else {}
            self._since, self._steps, self._samples = now, 0, 0
        return found


def _check(model: Any, optimizer: Any, path: Any, counts: tuple[int, ...]) -> None:
    if not callable(getattr(model, "state_dict", None)):
        raise InvalidInputError(f"a {type(model).__name__} is no torch module", hint="TorchCallback(model, optimizer)")
    if optimizer is not None and not hasattr(optimizer, "param_groups"):
        raise InvalidInputError(f"a {type(optimizer).__name__} is no optimizer", hint="TorchCallback(model, optimizer)")
    if path is not None and not os.fspath(path).endswith(".safetensors"):
        raise InvalidInputError(f"'{path}' does not end in '.safetensors'", hint="weights are written as safetensors")
    if any(not isinstance(count, int) or count < 1 for count in counts):
        raise InvalidInputError("steps are counted from 1", hint="every=10, checkpoint_every=500")


def _described(model: Any, optimizer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"model_class": type(_unwrapped(model)).__name__}
    if optimizer is not None:
        group = optimizer.param_groups[0]
        found["optimizer"] = type(optimizer).__name__
        found |= {name: group[name] for name in ("lr", "weight_decay", "momentum") if group.get(name)}
    return found


def _unwrapped(model: Any) -> Any:
    """Return the module inside those that distribute or compile it."""
    for name in ("_orig_mod", "module"):
        inner = getattr(model, name, None)
        if type(model).__name__ in ("DistributedDataParallel", "DataParallel", "OptimizedModule") and inner is not None:
            return _unwrapped(inner)
    return model


def _is_sharded(model: Any) -> bool:
    """Tell whether the weights lie in several processes, which would all have to take part to bring them together."""
    parameters = getattr(model, "parameters", None)
    kinds = {type(item).__name__ for item in (*(parameters() if parameters else ()), model)}
    return bool(kinds & {"DTensor", "FullyShardedDataParallel"})


def _norm_of_gradients(model: Any) -> float | None:
    """Return the norm of all gradients together; None where there are none."""
    torch: Any = sys.modules["torch"]
    norms = [item.grad.detach().float().norm() for item in model.parameters() if item.grad is not None]
    return float(torch.stack([norm.to(norms[0].device) for norm in norms]).norm()) if norms else None


def _is_first_process() -> bool:
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return True
    return bool(distributed.get_rank() == 0)
