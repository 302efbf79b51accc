"""What MLflow knows of a run and of a logged model, whichever store it is read from, and what that is called here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelhub.importers.gathered_points import GatheredPoints
from modelhub.importers.param_text import param_value
from modelhub.repository.objects import CodeState, Person, Run, RunStatus

STATUSES: dict[str, RunStatus] = {
    "RUNNING": "running", "SCHEDULED": "running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "interrupted",
}  # fmt: skip
STATUS_NUMBERS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
MODEL_STATUSES: dict[int, RunStatus] = {1: "running", 2: "finished", 3: "failed"}


@dataclass(slots=True)
class LoggedDataset:
    """A dataset that a run read, as MLflow describes it; the data themselves are not there."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None
    context: str = ""

    @property
    def path(self) -> str:
        """The path it gets among the inputs of a run."""
        return f"datasets/{one_part(f'{self.name}-{self.digest}')}.json"

    def description(self) -> bytes:
        """Return MLflow's words about it, the same for every run that read it."""
        words = {
            "name": self.name, "digest": self.digest, "source_type": self.source_type, "source": self.source,
            "schema": self.schema, "profile": self.profile,
        }  # fmt: skip
        return (json.dumps(words, indent=2, sort_keys=True) + "\n").encode()


@dataclass(slots=True)
class LoggedModel:
    """A model of MLflow 3, which lies beside the runs."""

    model_id: str
    name: str
    artifacts: str
    source_run: str = ""
    step: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The folder that its files get among the files of a run."""
        return f"models/{one_part(self.name)}/{one_part(self.model_id)}"

    def at(self, step: int | None) -> LoggedModel:
        """Return the model as a run logged it at a step."""
        return replace(self, step=step)


@dataclass(slots=True)
class MlflowRun:
    """A run as MLflow tells it. `artifacts` is where it says that they lie, `outputs` and `inputs` are models."""

    uuid: str
    name: str = ""
    experiment_id: str = ""
    experiment: str = ""
    status: RunStatus = "finished"
    user: str = ""
    started: int = 0
    ended: int | None = None
    artifacts: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: GatheredPoints = field(default_factory=GatheredPoints)
    datasets: Sequence[LoggedDataset] = ()
    outputs: Sequence[LoggedModel] = ()
    inputs: Sequence[LoggedModel] = ()

    def run(self) -> Run:
        """Return it as a run of the history, without points and files."""
        tags = dict(self.tags)
        if self.experiment:
            tags["mlflow.experiment"] = self.experiment
        for dataset in self.datasets:
            if dataset.context:
                tags[f"mlflow.data.context.{dataset.name}"] = dataset.context
        for model in (*self.outputs, *self.inputs):
            tags |= {f"{model.path}/{key}": text for key, text in model.tags.items() if not key.startswith("mlflow.")}
        source = tags.get("mlflow.source.name", "")
        return Run(
            id="",
            name=self.name or tags.get("mlflow.runName", ""),
            status=self.status,
            author=Person(self.user or tags.get("mlflow.user", "") or "unknown", ""),
            started=self.started,
            ended=self.ended,
            offset=0,
            command=(source,) if source else (),
            params={name: param_value(text) for name, text in self.params.items()},
            tags=tags,
            code=_code(tags),
            origin=f"mlflow:{self.uuid}",
        )


def _code(tags: Mapping[str, str]) -> CodeState | None:
    commit = tags.get("mlflow.source.git.commit") or tags.get("mlflow.git.commit")
    if not commit:
        return None
    branch = tags.get("mlflow.source.git.branch") or tags.get("mlflow.git.branch")
    dirty = tags.get("mlflow.git.dirty") or tags.get("mlflow.source.git.dirty") or ""
    return CodeState(commit, branch, dirty=dirty.lower() == "true")


def one_part(name: str) -> str:
    """Return a name as one part of a path."""
    part = name.replace("/", "_").replace("\0", "_")
    return part if part.strip(".") else "_"
