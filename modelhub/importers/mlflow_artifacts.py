"""Find where the artifacts of an MLflow store lie now, and list their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelhub.importers.foreign_files import ForeignFile, files_below
from modelhub.importers.mlflow_records import LoggedModel, MlflowRun

USUAL = ("", "mlruns", "mlartifacts")
LOCAL = ("", "file", "mlflow-artifacts")
OLD_MODELS_TAG = "mlflow.log-model.history"


class Artifacts:
    """The artifact folders below the folders that the user named; nothing outside of them is read.

    A store tells absolute paths and may have been moved since, so folders are looked for by their last parts, too.
    """

    def __init__(self, roots: list[Path], warnings: list[str]) -> None:
        self._roots = [root.resolve() for root in roots]
        self._warnings = warnings
        self._elsewhere: Counter[str] = Counter()

    def of_run(self, run: MlflowRun) -> Iterator[ForeignFile]:
        """Yield the files of a run: its artifacts, the models that it made, the models that it read."""
        last = (run.experiment_id, run.uuid, "artifacts")
        for place, path in self._files(run.artifacts, last, is_certain=OLD_MODELS_TAG in run.tags):
            yield ForeignFile(place, f"artifacts/{path}")
        for model in run.outputs:
            yield from self._of_model(run, model, is_input=False)
        made = {model.model_id for model in run.outputs}
        for model in run.inputs:
            if model.model_id not in made:
                yield from self._of_model(run, model, is_input=True)

    def report(self) -> None:
        """Warn of artifacts that are not on this machine, or not in a folder that was named."""
        for place, count in sorted(self._elsewhere.items()):
            self._warnings.append(
                f"the files of {count} run{'s' if count > 1 else ''} were left out: they are in '{place}'"
                " ('--artifacts FOLDER' takes them in from a folder)"
            )

    def _of_model(self, run: MlflowRun, model: LoggedModel, *, is_input: bool) -> Iterator[ForeignFile]:
        last = (run.experiment_id, "models", model.model_id, "artifacts")
        for place, path in self._files(model.artifacts, last, is_certain=True):
            yield ForeignFile(place, f"{model.path}/{path}", is_input=is_input, step=model.step)

    def _files(self, location: str, last: tuple[str, ...], *, is_certain: bool) -> Iterator[tuple[Path, str]]:
        """List an artifact folder; where it is not there, note that if there `is_certain`ly is something in it."""
        folder, root = self._find(location, last)
        if folder is not None and root is not None:
            yield from files_below(folder, root, self._warnings)
        elif location and (is_certain or _is_out_of_reach(location)):
            self._elsewhere[_without_end(location, len(last))] += 1

    def _find(self, location: str, last: tuple[str, ...]) -> tuple[Path | None, Path | None]:
        told = [_local_path(location)] if _is_local(location) else []
        for root in self._roots:
            for place in (*told, *(Path(usual, *last) for usual in USUAL)):
                folder = (root / place).resolve()
                if folder.is_relative_to(root) and folder.is_dir():
                    return folder, root
        return None, None


def _is_local(location: str) -> bool:
    return bool(location) and urlsplit(location).scheme in LOCAL


def _local_path(location: str) -> Path:
    return Path(unquote(urlsplit(location).path)) if urlsplit(location).scheme else Path(location)


def _is_out_of_reach(location: str) -> bool:
    """Tell whether a folder is in a remote store, or here but not below a folder that was named."""
    return not _is_local(location) or (
        urlsplit(location).scheme != "mlflow-artifacts" and _local_path(location).is_dir()
    )


def _without_end(location: str, parts: int) -> str:
    """Return a location without its last parts, which differ from run to run."""
    return location.rstrip("/").rsplit("/", parts)[0] or "/"
