"""The run of a callback: begun with a training, or given; what goes wrong with it never stops the training."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from modelhub.errors import InvalidInputError, ModelHubError
from modelhub.repository.layout import find_layout
from modelhub.repository.repository import Repository
from modelhub.runs.notes import EndStatus
from modelhub.tracking.acting import act_here
from modelhub.tracking.beginning import RunSpec, source_place
from modelhub.tracking.callbacks.plain_params import plain_params
from modelhub.tracking.python_run import RUN, python_run, sources_of
from modelhub.tracking.training_run import TrainingRun
from modelhub.tracking.values import as_goals, as_params, as_tags, as_title, check_name

ABOUT = ("params", "from_", "relation", "tags", "goals", "folder", "snapshot")


class Recording:
    """Begins a run for each training, and ends it; a run that was given is left to who gave it.

    `about` are keywords of `modelhub.run`. Wrong ones raise here: TypeError, InvalidInputError, RepositoryNotFound.
    """

    def __init__(self, run: TrainingRun | str | None, about: Mapping[str, Any]) -> None:
        self.run: TrainingRun | None = None
        self._folder, self._spec = Path().absolute(), RunSpec()
        self._has_ended = False
        self._warned: set[str] = set()
        self._told: set[str] = set()
        self.is_given = isinstance(run, TrainingRun)
        if not isinstance(run, TrainingRun):
            self._folder, self._spec = _begin_with(run, about)
            return
        self.run = run
        if about:
            raise InvalidInputError(
                f"the run has begun: {', '.join(sorted(about))} cannot be said of it here", hint="say it to mh.run()"
            )

    @property
    def is_going(self) -> bool:
        """There is a run to record to, as far as is known here."""
        return self.run is not None and not self._has_ended

    def begin(self) -> None:
        """Begin a run, unless one was given. One that nobody ended has failed."""
        self._warned, self._told = set(), set()
        if self.is_given:
            return
        self.end("failed")
        self.run = None
        with self.safely("the run"):
            self._has_ended = False
            self.run = python_run(self._folder, self._spec, os.environ, act_here)

    def params(self, values: object, *, weak: bool = False) -> None:
        """Record params of any kind as plain ones; `weak` ones only where their names are not taken."""
        with self.safely("the params"):
            taken = {*self._spec.params, *(self._told if weak else ())}
            found = {name: value for name, value in plain_params(values).items() if name not in taken}
            if self.is_going and self.run is not None and found:
                self.run.params(**found)
                self._told.update(found)

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Log metrics at a step."""
        with self.safely("the metrics"):
            if self.is_going and self.run is not None and metrics:
                self.run.log(step, metrics)

    def output(self, path: Path, step: int) -> None:
        """Keep a file or folder that was written."""
        with self.safely("a checkpoint"):
            if self.is_going and self.run is not None:
                self.run.output(path, step=step)

    def end(self, status: EndStatus) -> None:
        """End the run that was begun here."""
        if self.is_given or self.run is None or self._has_ended:
            return
        self._has_ended = True
        with self.safely("the end of the run"):
            self.run.finish(status)

    def safely(self, what: str) -> Safely:
        """Guard a `with` block: an error in it becomes a warning, one for each `what` of a training."""
        return Safely(what, self._warned)

    def check_inside(self, path: Path) -> None:
        """Raise InvalidInputError for a file that would lie outside the repository, as far as that can be known."""
        found = find_layout(self._folder) if self.run is None and not os.environ.get(RUN) else None
        root = self.run.files.root if self.run is not None else None if found is None else found.root
        if root is not None and not (path.is_relative_to(root) or path.resolve().is_relative_to(root.resolve())):
            raise InvalidInputError(f"'{path}' is outside the repository", hint=f"its folder is '{root}'")

    def inside(self, path: str | os.PathLike[str]) -> str:
        """Return a path as the repository names it, or as it is where it lies outside."""
        found = None if self.run is None else self.run.files.inside(Path(os.path.abspath(path)))
        return os.fspath(path) if found is None else found

    def __getstate__(self) -> dict[str, Any]:
        """Leave the run behind: a process that training is spawned in begins or joins its own."""
        return self.__dict__ | {"run": None, "is_given": False}


@dataclass(frozen=True, slots=True)
class Safely:
    """Turns an error into a warning; the interruption of the program passes."""

    what: str
    warned: set[str]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if self.what not in self.warned:
            self.warned.add(self.what)
            reason = str(error) if isinstance(error, ModelHubError) else f"{type(error).__name__}: {error}"
            warn(f"{self.what} cannot be recorded: {reason}; the training goes on")
        return True


def warn(text: str) -> None:
    """Tell the person who trains, once for each text and place as Python's warnings do."""
    warnings.warn(f"modelhub: {text}", RuntimeWarning, stacklevel=3)


def _begin_with(name: str | None, about: Mapping[str, Any]) -> tuple[Path, RunSpec]:
    """Return the folder whose repository the run is for, and what is said of it.

    All is checked that can be: where a run is joined, its repository is known only then.
    """
    if unknown := sorted(set(about) - set(ABOUT)):
        raise TypeError(f"there is no argument '{unknown[0]}'; of a run can be said: {', '.join(ABOUT)}")
    folder = Path(about.get("folder", ".")).absolute()
    spec = RunSpec(
        name=as_title(name),
        params=as_params({check_name(key, "param"): value for key, value in (about.get("params") or {}).items()}),
        tags=as_tags(about.get("tags") or {}),
        goals=as_goals(about.get("goals") or {}),
        sources=sources_of(about.get("from_"), about.get("relation", "fine-tune")),
        snapshot=bool(about.get("snapshot", True)),
    )
    if not os.environ.get(RUN):
        repository = Repository.find(folder)
        for source in spec.sources:
            source_place(repository, source)
    return folder, spec
