"""Read MLflow's file store: a folder of experiments with a folder for each run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelhub.errors import FormatError
from modelhub.importers.gathered_points import LARGEST, GatheredPoints
from modelhub.importers.mlflow_records import (
    MODEL_STATUSES,
    STATUS_NUMBERS,
    STATUSES,
    LoggedDataset,
    LoggedModel,
    MlflowRun,
)  # fmt: skip
from modelhub.porcelain.plain_values import read_values

META = "meta.yaml"
MOST_META_NBYTES = 16 << 20


def experiments_below(folder: Path) -> list[Path]:
    """Return the experiments of a store: its folders with a `meta.yaml`, or the folder itself where it is one."""
    if (folder / META).is_file():
        return [folder]
    return sorted(place.parent for place in folder.glob(f"*/{META}"))


class FileStore:
    """The runs of some experiments. `warnings` collects what could not be read."""

    def __init__(self, experiments: list[Path], warnings: list[str]) -> None:
        self._experiments = experiments
        self._warnings = warnings
        self._models: dict[str, LoggedModel] = {}
        self.deleted = 0

    def runs(self) -> Iterator[MlflowRun]:
        """Yield the runs that are not deleted, then the models that no run made."""
        about = {folder: self._meta(folder) for folder in self._experiments}
        for folder in about:
            self._models |= {model.model_id: model for model in self._read_models(folder)}
        known = set()
        for folder, meta in about.items():
            if meta.get("lifecycle_stage") == "deleted":
                self.deleted += sum(1 for _ in _folders_with_meta(folder))
                continue
            for place in _folders_with_meta(folder):
                run = self._read_run(place, str(meta.get("name", "")))
                if run is not None:
                    known.add(run.uuid)
                    yield run
        yield from self._models_alone(known, {folder.name: str(meta.get("name", "")) for folder, meta in about.items()})

    def _models_alone(self, known: set[str], names: Mapping[str, str]) -> Iterator[MlflowRun]:
        for folder in self._experiments:
            for place in sorted((folder / "models").glob(f"*/{META}")):
                model = self._models.get(place.parent.name)
                if model is not None and model.source_run not in known:
                    yield self._model_as_run(place.parent, model, names.get(folder.name, ""))

    def _meta(self, folder: Path) -> Mapping[str, Any]:
        found = _read_yaml(folder / META)
        if not isinstance(found, dict):
            self._warnings.append(f"'{folder / META}' cannot be understood")
            return {}
        return found

    def _read_run(self, folder: Path, experiment: str) -> MlflowRun | None:
        meta = self._meta(folder)
        if not ("run_id" in meta or "run_uuid" in meta):
            return None
        if meta.get("lifecycle_stage") == "deleted":
            self.deleted += 1
            return None
        return MlflowRun(
            uuid=str(meta.get("run_id") or meta["run_uuid"]),
            name=str(meta.get("run_name") or meta.get("name") or ""),
            experiment_id=str(meta.get("experiment_id", "")),
            experiment=experiment,
            status=STATUSES.get(_status_name(meta.get("status")), "finished"),
            user=str(meta.get("user_id") or ""),
            started=_number(meta.get("start_time")) or 0,
            ended=_number(meta.get("end_time")),
            artifacts=_artifacts(folder, meta.get("artifact_uri")),
            params=_read_texts(folder / "params"),
            tags=_read_texts(folder / "tags"),
            points=self._read_points(folder / "metrics"),
            datasets=list(self._datasets(folder)),
            outputs=list(self._linked(folder / "outputs")),
            inputs=list(self._linked(folder / "inputs")),
        )

    def _read_models(self, folder: Path) -> Iterator[LoggedModel]:
        for place in sorted((folder / "models").glob(f"*/{META}")):
            meta = self._meta(place.parent)
            if "model_id" in meta and meta.get("lifecycle_stage") != "deleted":
                yield LoggedModel(
                    model_id=str(meta["model_id"]),
                    name=str(meta.get("name") or "model"),
                    artifacts=_artifacts(place.parent, meta.get("artifact_location")),
                    source_run=str(meta.get("source_run_id") or ""),
                    tags=_read_texts(place.parent / "tags"),
                )

    def _model_as_run(self, folder: Path, model: LoggedModel, experiment: str) -> MlflowRun:
        meta = self._meta(folder)
        return MlflowRun(
            uuid=model.model_id,
            name=model.name,
            experiment_id=str(meta.get("experiment_id", "")),
            experiment=experiment,
            status=MODEL_STATUSES.get(_number(meta.get("status")) or 0, "finished"),
            started=_number(meta.get("creation_timestamp")) or 0,
            ended=_number(meta.get("last_updated_timestamp")),
            params=_read_texts(folder / "params"),
            tags=model.tags,
            points=self._read_points(folder / "metrics"),
            outputs=[model],
        )

    def _datasets(self, folder: Path) -> Iterator[LoggedDataset]:
        for place in sorted((folder / "inputs").glob(f"*/{META}")):
            link = self._meta(place.parent)
            source = folder.parent / "datasets" / str(link.get("source_id", "")) / META
            if link.get("source_type") != "DATASET" or not source.is_file():
                continue
            meta = self._meta(source.parent)
            yield LoggedDataset(
                name=str(meta.get("name", "")),
                digest=str(meta.get("digest", "")),
                source_type=str(meta.get("source_type") or ""),
                source=str(meta.get("source") or ""),
                schema=_text_or_none(meta.get("schema")),
                profile=_text_or_none(meta.get("profile")),
                context=_context(link.get("tags")),
            )

    def _linked(self, folder: Path) -> Iterator[LoggedModel]:
        """Yield the models that the notes in `inputs` or `outputs` name."""
        for place in sorted(folder.glob(f"*/{META}")):
            link = self._meta(place.parent)
            model = self._models.get(str(link.get("destination_id", "")))
            if model is not None:
                yield model.at(_number(link.get("step")))

    def _read_points(self, folder: Path) -> GatheredPoints:
        """Read `time value step` line after line, for each metric from its own file."""
        points = GatheredPoints()
        for place, name in _files(folder):
            bad = 0
            with open(place, "rb") as lines:
                for line in lines:
                    parts = line.split()
                    try:
                        step = int(parts[2]) if len(parts) > 2 else 0
                        points.add(name, step, int(parts[0]), float(parts[1]))
                    except (ValueError, IndexError, OverflowError):
                        bad += bool(parts)
            if bad:
                self._warnings.append(f"'{place}': {bad} line{'s' if bad > 1 else ''} left out, no point")
        return points


def _folders_with_meta(folder: Path) -> Iterator[Path]:
    return iter(sorted(place.parent for place in folder.glob(f"*/{META}")))


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            place = Path(here, name)
            if place.is_file():
                yield place, place.relative_to(folder).as_posix()


def _read_texts(folder: Path) -> dict[str, str]:
    """Read params or tags: a file each, whose whole content is the value."""
    return {name: place.read_bytes().decode("utf-8", "replace") for place, name in _files(folder)}


def _artifacts(folder: Path, told: object) -> str:
    """Return the folder of artifacts beside the note where there is one, else what the note says."""
    beside = folder / "artifacts"
    return str(beside.absolute()) if beside.is_dir() else str(told or "")


def _status_name(told: object) -> str:
    """Return a status by its name; notes hold its number."""
    return STATUS_NUMBERS.get(_number(told) or 0, str(told))


def _context(tags: object) -> str:
    return str(tags.get("mlflow.data.context", "")) if isinstance(tags, dict) else ""


def _number(value: object) -> int | None:
    """Return a whole number of at most 64 bits, None for anything else."""
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if abs(number) <= LARGEST else None


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _read_yaml(place: Path) -> object:
    try:
        with open(place, "rb") as source:
            data = source.read(MOST_META_NBYTES)
    except OSError as error:
        raise FormatError(f"'{place}' cannot be read: {error.strerror}") from None
    try:
        return read_values("meta.yaml", data)
    except FormatError:
        return None
