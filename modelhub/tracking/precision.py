"""Measure size against accuracy: run an evaluation on a model as it is and as each scheme would leave it.

After figure 6a of the ModelHub paper (Miao, Li, Davis, Deshpande, ICDE 2017).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelhub.errors import InvalidInputError, StateError
from modelhub.files import make_folders, overwrite_part, temporary_folder
from modelhub.porcelain.model_tensors import read_model
from modelhub.porcelain.places import locate
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository
from modelhub.repository.trees import Files
from modelhub.tracking.command_run import Outside
from modelhub.tracking.printed_metric import last_metric
from modelhub.tracking.rounded_model import ModelOnDisk
from modelhub.tracking.version_files import write_files
from modelhub.weights.schemes import Scheme, parse_scheme

DEFAULT_SCHEMES = ("bfloat16", "float16", "fixed16", "fixed8", "quantized-8", "quantized-4", "quantized-2")
AS_IT_IS = "as it is"
MODEL_VARIABLE = "MH_MODEL"


@dataclass(frozen=True, slots=True)
class PrecisionRow:
    """One scheme. `share` is the stored size over that of 32 bits for each weight, `factor` its inverse.

    `metric` is what the command printed, `change` that less what it printed for the model as it is. `relative` is the
    largest relative error of a tensor, `overflowed` counts numbers that became infinite. `problem` says why there is no
    metric, or no size.
    """

    scheme: str
    stored_nbytes: int | None = None
    share: float | None = None
    factor: float | None = None
    metric: float | None = None
    change: float | None = None
    relative: float | None = None
    overflowed: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PrecisionResult:
    """What was measured. `raw_nbytes` are those of the weights at 32 bits each; the first row is the model as it is."""

    commit: str
    path: str
    metric: str
    raw_nbytes: int
    rows: tuple[PrecisionRow, ...]

    @property
    def failed(self) -> bool:
        """Whether no scheme could be measured."""
        return all(row.problem for row in self.rows[1:])


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is run: the command, from `folder` below the top, and the name of the metric it prints ('': the first)."""

    command: tuple[str, ...]
    folder: str = ""
    metric: str = ""


def eval_precision(
    repository: Repository,
    *,
    place: str,
    evaluation: Evaluation,
    outside: Outside,
    schemes: Sequence[str] = DEFAULT_SCHEMES,
    progress: Progress = SILENT,
) -> PrecisionResult:
    """Evaluate the model at `REV:PATH` as it is and rounded as each scheme has it.

    Each time the command runs in a new folder with the files of the version and the rounded model in its place, and
    MH_MODEL as the model's path. Raises StateError where it fails on the model as it is; where it fails on another, the
    row says so.
    """
    chosen = [parse_scheme(name) for name in dict.fromkeys(schemes)]
    found = locate(repository, place)
    if found.run is not None or not found.path:
        raise InvalidInputError(f"'{place}' is no file of a version", hint="write REV:PATH, such as HEAD:model.pt")
    files = found.files(repository)
    model = read_model(repository, files, found.path)
    trials = _Trials(repository, files, ModelOnDisk(repository, files, model.files), evaluation, outside)
    path = found.path if found.path in files else model.files[0]
    progress.start("evaluating", len(chosen) + 1, "runs")
    name, first = trials.first(path)
    progress.advance(1)
    rows = [first]
    for scheme in chosen:
        rows.append(trials.one(path, scheme, name, first))
        progress.advance(1)
    return PrecisionResult(found.commit, path, name, trials.model.raw_nbytes, tuple(rows))


@dataclass(frozen=True, slots=True)
class _Trials:
    repository: Repository
    files: Files
    model: ModelOnDisk
    evaluation: Evaluation
    outside: Outside

    def first(self, path: str) -> tuple[str, PrecisionRow]:
        """Evaluate the model as it is; return the name of the metric too. Raises StateError where that fails."""
        if not self.model.raw_nbytes:
            raise InvalidInputError(f"'{path}' has no float tensors", hint="'mh ls REV:PATH' lists what it has")
        stored = sum(self.model.stored_nbytes(item) for item in self.model.tensors if item.is_float)
        with temporary_folder("mh-precision-") as place:
            printed = self._run(self._fill(place), path)
        if isinstance(printed, int):
            raise StateError(
                f"the command ended with {printed} on the model as it is",
                hint="it runs in a folder that has just the files of the version: name others by their whole path",
            )
        name, value = last_metric(printed, self.evaluation.metric)
        return name, self._sized(PrecisionRow(AS_IT_IS, metric=value, change=0.0, relative=0.0), stored)

    def one(self, path: str, scheme: Scheme, name: str, first: PrecisionRow) -> PrecisionRow:
        """Evaluate the model as a scheme leaves it."""
        row = PrecisionRow(scheme.name)
        with temporary_folder("mh-precision-") as place:
            folder = self._fill(place)
            try:
                row = self._round(folder, scheme, row)
            except InvalidInputError as error:
                return replace(row, problem=error.message)
            printed = self._run(folder, path)
        if isinstance(printed, int):
            return replace(row, problem=f"the command ended with {printed}")
        try:
            _, value = last_metric(printed, name)
        except StateError as error:
            return replace(row, problem=error.message)
        return replace(row, metric=value, change=value - (first.metric or 0.0))

    def _fill(self, place: Path) -> Path:
        scratch, folder = place / "scratch", place / "folder"
        make_folders(scratch)
        make_folders(folder / self.evaluation.folder)
        write_files(self.repository, self.files, folder, scratch)
        return folder

    def _round(self, folder: Path, scheme: Scheme, row: PrecisionRow) -> PrecisionRow:
        stored, relative, overflowed = 0, 0.0, 0
        for item in self.model.tensors:
            if not scheme.changes(item.segment.dtype, item.segment.shape):
                stored += self.model.stored_nbytes(item) if item.is_float else 0
                continue
            rounded = self.model.round(item, scheme)
            overwrite_part(folder / item.path, item.offset, rounded.data)
            stored += rounded.stored_nbytes
            relative = max(relative, rounded.loss.relative or 0.0)
            overflowed += rounded.loss.overflowed
        self.model.mend(folder)
        return self._sized(replace(row, relative=relative, overflowed=overflowed), stored)

    def _sized(self, row: PrecisionRow, stored: int) -> PrecisionRow:
        raw = self.model.raw_nbytes
        return replace(row, stored_nbytes=stored, share=stored / raw, factor=raw / stored)

    def _run(self, folder: Path, path: str) -> str | int:
        """Run the command; return what it printed, or the code it ended with where that is not 0."""
        here = folder / self.evaluation.folder
        top = self.repository.layout.root
        env = _moved_env(self.outside.env, top, folder) | {MODEL_VARIABLE: str(folder / path), "PWD": str(here)}
        words = [_moved(word, top, folder) for word in self.evaluation.command]
        words[0] = _program(self.evaluation, words[0], top, folder)
        self.outside.ready()
        try:
            done = subprocess.run(
                words, cwd=here, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.outside.stderr,
                check=False,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            reason = "there is no such command" if isinstance(error, FileNotFoundError) else str(error)
            raise InvalidInputError(f"'{words[0]}' cannot be run: {reason}") from None
        return done.returncode or done.stdout.decode("utf-8", "replace")


def _program(evaluation: Evaluation, word: str, top: Path, folder: Path) -> str:
    """Return where a program is that the version leaves out, as one of a virtual environment, named from the folder."""
    if "/" not in word or os.path.isabs(word) or os.path.exists(folder / evaluation.folder / word):
        return word
    return str(top / evaluation.folder / word)


def _moved(word: str, top: Path, folder: Path) -> str:
    """Return a path into the repository's folder as one into the new folder, if that has such a file."""
    moved = folder / word.removeprefix(f"{top}/")
    return str(moved) if word.startswith(f"{top}/") and os.path.lexists(moved) else word


def _moved_env(env: Mapping[str, str], top: Path, folder: Path) -> dict[str, str]:
    searched = env.get("PYTHONPATH")
    if searched is None:
        return dict(env)
    parts = (str(folder) if part == str(top) else _moved(part, top, folder) for part in searched.split(os.pathsep))
    return dict(env) | {"PYTHONPATH": os.pathsep.join(parts)}
