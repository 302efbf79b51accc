"""Read MLflow's SQLite store; the database is opened for reading only and never held locked for long."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelhub.errors import FormatError, StateError
from modelhub.importers.gathered_points import GatheredPoints
from modelhub.importers.mlflow_records import MODEL_STATUSES, STATUSES, LoggedDataset, LoggedModel, MlflowRun

MAGIC = b"SQLite format 3\0"
WAL_VERSIONS = b"\x02\x02"
BUSY_S = 30.0

Row = Sequence[Any]


def is_database(place: Path) -> bool:
    """Tell whether a file is an SQLite database, by its first bytes."""
    try:
        with open(place, "rb") as source:
            return source.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


class MlflowDatabase:
    """The runs of one database. A context manager. `deleted` counts the runs that were in MLflow's trash."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.deleted = 0

    def __enter__(self) -> MlflowDatabase:
        with self._explained():
            self._connection = sqlite3.connect(_address(self._place), uri=True, timeout=BUSY_S)
            self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
            rows = self._connection.execute("select name from sqlite_master where type = 'table'")
            self._tables = {name for (name,) in rows}
        if not {"experiments", "runs", "metrics", "params", "tags"} <= self._tables:
            self._connection.close()
            raise FormatError(f"'{self._place}' is no database of MLflow's: it has no runs")
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def runs(self) -> Iterator[MlflowRun]:
        """Yield the runs that are not deleted, by experiment and start, then the models that no run made."""
        experiments = {key: str(name) for key, name in self._rows("select experiment_id, name from experiments")}
        gone = "r.lifecycle_stage = 'deleted' or e.lifecycle_stage = 'deleted'"
        source = "from runs r join experiments e on e.experiment_id = r.experiment_id"
        self.deleted = self._rows(f"select count(*) {source} where {gone}")[0][0]
        models = {model.model_id: model for model in self._models()}
        found = self._rows(
            "select r.run_uuid, r.name, r.experiment_id, r.status, r.user_id, r.start_time, r.end_time, r.artifact_uri"
            f" {source} where not coalesce({gone}, 0) order by r.experiment_id, r.start_time, r.run_uuid"
        )
        for uuid, name, experiment, status, user, started, ended, artifacts in found:
            yield MlflowRun(
                uuid=uuid,
                name=name or "",
                experiment_id=str(experiment),
                experiment=experiments.get(experiment, ""),
                status=STATUSES.get(status, "finished"),
                user=user or "",
                started=int(started or 0),
                ended=None if ended is None else int(ended),
                artifacts=artifacts or "",
                params=dict(self._texts("select key, value from params where run_uuid = ?", uuid)),
                tags=dict(self._texts("select key, value from tags where run_uuid = ?", uuid)),
                points=self._points("metrics", uuid),
                datasets=self._datasets(uuid),
                outputs=self._linked(models, uuid, "MODEL_OUTPUT"),
                inputs=self._linked(models, uuid, "MODEL_INPUT"),
            )
        known = {row[0] for row in found}
        for model in models.values():
            if model.source_run not in known:
                yield self._model_as_run(model, experiments)

    def _points(self, table: str, uuid: str) -> GatheredPoints:
        """Read the points of a run, or of a model, in the order in which they were logged."""
        points = GatheredPoints()
        query = {
            "metrics": "select key, step, timestamp, value, is_nan from metrics where run_uuid = ? order by rowid",
            "logged_model_metrics": "select metric_name, metric_step, metric_timestamp_ms, metric_value,"
            " metric_value is null from logged_model_metrics where model_id = ? order by rowid",
        }[table]
        with self._explained():
            try:
                for name, step, time, value, is_nan in self._connection.execute(query, (uuid,)):
                    points.add(name, step or 0, time or 0, float("nan") if is_nan else value)
            except (TypeError, OverflowError):
                raise FormatError(f"'{self._place}': {uuid} has a point that is no number") from None
        return points

    def _datasets(self, uuid: str) -> list[LoggedDataset]:
        if not {"inputs", "datasets", "input_tags"} <= self._tables:
            return []
        rows = self._rows(
            "select d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile,"
            " coalesce((select t.value from input_tags t where t.input_uuid = i.input_uuid"
            " and t.name = 'mlflow.data.context'), '') from inputs i join datasets d on d.dataset_uuid = i.source_id"
            " where i.source_type = 'DATASET' and i.destination_type = 'RUN' and i.destination_id = ? order by 1, 2",
            uuid,
        )
        return [LoggedDataset(*row) for row in rows]

    def _models(self) -> Iterator[LoggedModel]:
        if "logged_models" not in self._tables:
            return
        rows = self._rows(
            "select model_id, name, artifact_location, source_run_id from logged_models"
            " where lifecycle_stage is not 'deleted' order by creation_timestamp_ms, model_id"
        )
        for model_id, name, artifacts, run in rows:
            tags = self._texts("select tag_key, tag_value from logged_model_tags where model_id = ?", model_id)
            yield LoggedModel(model_id, name, artifacts or "", run or "", tags=dict(tags))

    def _linked(self, models: dict[str, LoggedModel], uuid: str, kind: str) -> list[LoggedModel]:
        if not models:
            return []
        rows = self._rows(
            "select destination_id, step from inputs where source_id = ? and destination_type = ? order by 2, 1",
            uuid, kind,
        )  # fmt: skip
        return [models[model_id].at(step) for model_id, step in rows if model_id in models]

    def _model_as_run(self, model: LoggedModel, experiments: dict[Any, str]) -> MlflowRun:
        ((experiment, status, made, changed),) = self._rows(
            "select experiment_id, status, creation_timestamp_ms, last_updated_timestamp_ms from logged_models"
            " where model_id = ?",
            model.model_id,
        )
        params = self._texts(
            "select param_key, param_value from logged_model_params where model_id = ?", model.model_id
        )
        return MlflowRun(
            uuid=model.model_id,
            name=model.name,
            experiment_id=str(experiment),
            experiment=experiments.get(experiment, ""),
            status=MODEL_STATUSES.get(status, "finished"),
            started=int(made or 0),
            ended=None if changed is None else int(changed),
            params=dict(params),
            tags=model.tags,
            points=self._points("logged_model_metrics", model.model_id),
            outputs=[model],
        )

    def _texts(self, query: str, key: str) -> Iterator[tuple[str, str]]:
        return ((str(name), "" if value is None else str(value)) for name, value in self._rows(query, key))

    def _rows(self, query: str, *values: str) -> list[Row]:
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise StateError(
                    f"'{self._place}' is locked by a program that writes to it", hint="try again"
                ) from None
            raise FormatError(f"'{self._place}' cannot be read as a database of MLflow's: {error}") from None
        except sqlite3.DatabaseError as error:
            raise FormatError(f"'{self._place}' is damaged: {error}") from None


def _address(place: Path) -> str:
    """Return how to open a database for reading only.

    One that was left in WAL mode, with nobody at it, is read as it is: SQLite would put its log beside it again.
    """
    with open(place, "rb") as source:
        is_wal = source.read(20)[18:20] == WAL_VERSIONS
    is_left = is_wal and not Path(f"{place}-wal").exists()
    return f"{place.absolute().as_uri()}?mode=ro" + ("&immutable=1" if is_left else "")
