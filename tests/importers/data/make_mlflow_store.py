"""Fill a store of MLflow and print, as JSON, what MLflow's own client then says is in it.

Usage: make_mlflow_store.py (file|sqlite) FOLDER. The stores in this folder were made by it, with MLflow 2.22 and 3.17.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.update(
    MLFLOW_ALLOW_FILE_STORE="true", LOGNAME="ada", USER="ada", MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true",
    GIT_PYTHON_REFRESH="quiet",
)  # fmt: skip
warnings.simplefilter("ignore")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

MAJOR = int(mlflow.__version__.split(".")[0])
ODD = [(3, float("nan")), (4, float("inf")), (4, float("-inf")), (5, 1e308), (-2, 5e-324)]


def fill(folder: Path, client: Any) -> str:
    experiment = client.create_experiment("digits")
    mlflow.set_experiment("digits")
    weights = folder / "weights.npy"
    np.save(weights, np.arange(64, dtype="f4").reshape(8, 8))
    tags = {"team": "vision", "mlflow.source.name": "train.py", "mlflow.source.git.commit": "a" * 40}
    with mlflow.start_run(run_name="first", tags=tags) as run:
        uuid = run.info.run_id
        mlflow.log_params({"lr": 1e-3, "batch": 64, "optimizer": "adam", "note": "two\nlines", "odd": "1.0e-3"})
        points = [Metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, step) for step in range(200)]
        client.log_batch(uuid, points, [Param("depth", "4")], [RunTag("plain", "tag")])
        for step, value in ODD:
            mlflow.log_metric("val/odd", value, step=step)
        dataset = Dataset("train set", "0a1b2c3d", "local", '{"uri": "data/train.csv"}', '{"x": 1}', '{"rows": 3}')
        client.log_inputs(uuid, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
        mlflow.log_text("hello\n", "notes/hello world.txt")
        mlflow.log_artifact(str(weights), "checkpoints")
        if importlib.util.find_spec("pandas"):
            log_model(weights)
    weights.unlink()
    try:
        with mlflow.start_run(run_name="second", tags={"mlflow.source.name": "train.py"}):
            mlflow.log_metric("loss", 0.25)
            raise KeyError
    except KeyError:
        pass
    third = client.create_run(experiment, run_name="third")
    client.log_metric(third.info.run_id, "loss", 0.1, timestamp=1_700_000_001_000, step=1)
    fourth = client.create_run(experiment, run_name="fourth")
    client.delete_run(fourth.info.run_id)
    if MAJOR >= 3:
        log_models_alone(folder, client, experiment, third.info.run_id, uuid)
    return str(experiment)


def log_model(weights: Path) -> None:
    class Same(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input

    where = {"name": "model"} if MAJOR >= 3 else {"artifact_path": "model"}
    mlflow.pyfunc.log_model(python_model=Same(), artifacts={"w": str(weights)}, pip_requirements=["numpy"], **where)


def log_models_alone(folder: Path, client: Any, experiment: str, reader: str, maker: str) -> None:
    """One model that a run made and another read, one that no run made."""
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    content = folder / "net"
    content.mkdir()
    np.save(content / "net.npy", np.ones((16, 4), dtype="f2"))
    (content / "MLmodel").write_text("flavors: {}\n")
    for name, source in (("net", maker), ("alone", None)):
        model = client.create_logged_model(experiment, name, source_run_id=source, tags={"stage": "test"})
        client.log_model_artifacts(model.model_id, str(content))
        client.finalize_logged_model(model.model_id, "READY")
        if source:
            client.log_outputs(maker, [LoggedModelOutput(model.model_id, step=7)])
            client.log_inputs(reader, models=[LoggedModelInput(model.model_id)])
    for place in content.iterdir():
        place.unlink()
    content.rmdir()


def tell(client: Any, experiment: str) -> dict[str, Any]:
    found = {}
    for run in client.search_runs([experiment]):
        info, data = run.info, run.data
        points = {
            name: [[one.step, one.timestamp, repr(one.value)] for one in client.get_metric_history(info.run_id, name)]
            for name in data.metrics
        }
        found[info.run_id] = {
            "name": info.run_name, "status": info.status, "user": info.user_id, "start": info.start_time,
            "end": info.end_time, "params": data.params, "tags": data.tags, "points": points,
            "datasets": [[one.dataset.name, one.dataset.digest] for one in run.inputs.dataset_inputs],
        }  # fmt: skip
    return found


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[2]).absolute()
    folder.mkdir(parents=True)
    os.chdir(folder)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db" if kind == "sqlite" else f"file://{folder}/mlruns")
    client = MlflowClient()
    print(json.dumps(tell(client, fill(folder, client)), indent=0, sort_keys=True))


main()
