"""Tests of the recording of loops written by hand, with real trainings."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from contracts.project import Project

import modelhub as mh
from modelhub.errors import InvalidInputError, RepositoryNotFound
from modelhub.repository.objects import Run

torch = pytest.importorskip("torch")

Recorded = Callable[[], list[Run]]
Series = Callable[[str], dict[str, list[tuple[int, float]]]]


def line() -> tuple[Any, Any]:
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(training: mh.TorchCallback, model: Any, optimizer: Any, steps: int, **more: Any) -> list[float]:
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(torch.ones(4, 2)) - 1).square().mean()
        loss.backward()
        optimizer.step()
        training.step(loss=loss, **more)
        losses.append(loss.item())
    return losses


def train_on(training: mh.TorchCallback, *losses: Any) -> None:
    for loss in losses:
        training.step(loss=loss)


def test_a_loop_is_a_run(project: Project, recorded: Recorded, series: Series) -> None:
    model, optimizer = line()
    with mh.TorchCallback(model, optimizer, "line", params={"batch_size": 4}) as training:
        losses = train(training, model, optimizer, 3, samples=4)
    (run,) = recorded()
    assert training.run is not None
    assert (run.id, run.name, run.status) == (training.run.id, "line", "finished")
    assert run.params == {"batch_size": 4, "lr": 0.1, "momentum": 0.9, "model_class": "Linear", "optimizer": "SGD"}
    found = series(run.id)
    assert found["loss"] == list(enumerate(losses))
    assert found["lr"] == [(0, 0.1), (1, 0.1), (2, 0.1)]
    assert found.keys() == {"loss", "lr", "steps_per_s", "samples_per_s"}
    for (_, steps), (_, samples) in zip(found["steps_per_s"], found["samples_per_s"], strict=True):
        assert samples == pytest.approx(4 * steps)


def test_metrics_are_looked_at_only_every_so_many_steps(project: Project, recorded: Recorded, series: Series) -> None:
    class Costly:
        asked = 0

        def item(self) -> float:
            Costly.asked += 1
            return 0.5

    model, optimizer = line()
    with mh.TorchCallback(model, optimizer, every=4) as training:
        for _ in range(9):
            training.step({"val/loss": Costly()})
    assert [step for step, _ in series(recorded()[0].id)["val/loss"]] == [0, 4, 8]
    assert Costly.asked == 3


def test_norms_of_gradients_are_those_of_torch(project: Project, recorded: Recorded, series: Series) -> None:
    model, optimizer = line()
    with mh.TorchCallback(model, optimizer, grad_norm=True) as training:
        train(training, model, optimizer, 1)
        expected = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9).item()
        optimizer.zero_grad()
        training.step(loss=0.0)
    assert series(recorded()[0].id)["grad_norm"] == [(0, pytest.approx(expected))]


def test_every_group_of_parameters_has_its_learning_rate(project: Project, recorded: Recorded, series: Series) -> None:
    model, _ = line()
    optimizer = torch.optim.SGD([{"params": [model.weight]}, {"params": [model.bias], "lr": 0.5}], lr=0.25)
    with mh.TorchCallback(model, optimizer) as training:
        training.step(loss=1.0)
    found = series(recorded()[0].id)
    assert (found["lr"], found["lr/1"]) == ([(0, 0.25)], [(0, 0.5)])


def test_checkpoints_are_kept_and_the_last_weights(project: Project, recorded: Recorded) -> None:
    model, optimizer = line()
    with mh.TorchCallback(model, optimizer, path="model.safetensors", checkpoint_every=2) as training:
        train(training, model, optimizer, 5)
    (run,) = recorded()
    assert [(usage.path, usage.step) for usage in run.outputs] == [
        ("model.safetensors", 1), ("model.safetensors", 3), ("model.safetensors", 4),
    ]  # fmt: skip
    assert len({usage.oid for usage in run.outputs}) == 3
    assert training.run is not None
    training.run.commit("a line")
    assert mh.open().load("HEAD:model.safetensors")["weight"].tolist() == model.weight.tolist()


def test_a_wrapped_model_is_kept_under_its_own_names(project: Project, recorded: Recorded) -> None:
    model, optimizer = line()
    with mh.TorchCallback(torch.nn.DataParallel(model), optimizer, path="model.safetensors") as training:
        train(training, model, optimizer, 1)
    assert recorded()[0].params["model_class"] == "Linear"
    mh.open().commit("a line")
    assert set(mh.open().load("HEAD:model.safetensors")) == {"weight", "bias"}


@pytest.mark.parametrize(("error", "status"), [(ValueError("no"), "failed"), (KeyboardInterrupt(), "interrupted")])
def test_what_ends_the_loop_is_its_status_and_passes(
    project: Project, recorded: Recorded, error: BaseException, status: str
) -> None:
    model, optimizer = line()
    with (
        pytest.raises(type(error)) as caught,
        mh.TorchCallback(model, optimizer, path="model.safetensors") as training,
    ):
        train(training, model, optimizer, 2)
        raise error
    assert caught.value is error
    (run,) = recorded()
    assert (run.status, run.outputs) == (status, ())


def test_a_loop_that_goes_on_counts_on_and_names_its_start(
    project: Project, recorded: Recorded, series: Series
) -> None:
    model, optimizer = line()
    with mh.TorchCallback(model, optimizer, path="model.safetensors") as training:
        train(training, model, optimizer, 3)
    commit = mh.open().commit("a line").commit
    with mh.TorchCallback(model, optimizer, path="model.safetensors") as training:
        training.resume("model.safetensors", 3)
        train(training, model, optimizer, 2)
    (run,) = recorded()
    assert [step for step, _ in series(run.id)["loss"]] == [3, 4]
    assert run.params["resumed_at_step"] == 3
    assert [(item.relation, item.source_commit, item.source_path) for item in run.derivations] == [
        ("warm-start", commit, "model.safetensors")
    ]


def test_a_loop_without_a_block_is_ended_by_hand(project: Project, recorded: Recorded) -> None:
    model, optimizer = line()
    training = mh.TorchCallback(model, optimizer)
    assert training.run is None
    training.step(loss=1.0)
    assert recorded()[0].status == "running"
    training.finish()
    assert recorded()[0].status == "finished"


@pytest.mark.parametrize(("ending", "status"), [("1 / 0", "failed"), ("", "finished"), ("exit(0)", "finished")])
def test_a_run_that_nobody_ended_ends_with_its_process(
    project: Project, recorded: Recorded, script: Callable[..., Any], ending: str, status: str
) -> None:
    text = "import modelhub as mh\ntraining = mh.TorchCallback(type('M', (), {'state_dict': dict})())\n"
    script(f"{text}training.step(loss=1.0)\n{ending}\n", code=1 if status == "failed" else 0)
    assert recorded()[0].status == status


def test_a_given_run_is_left_to_its_owner(project: Project, recorded: Recorded, series: Series) -> None:
    model, optimizer = line()
    with mh.run("whole") as run:
        with mh.TorchCallback(model, optimizer, run) as training:
            train(training, model, optimizer, 2)
        run.log({"test/loss": 0.5})
    (found,) = recorded()
    assert (found.status, found.params["optimizer"]) == ("finished", "SGD")
    assert {"loss", "test/loss"} <= series(run.id).keys()


def test_a_loop_goes_on_when_the_repository_is_gone(project: Project) -> None:
    model, optimizer = line()
    training = mh.TorchCallback(model, optimizer, path="model.safetensors", checkpoint_every=1)
    training.step(loss=1.0)
    shutil.rmtree(".mh")
    with pytest.warns(RuntimeWarning, match="the training goes on") as caught:
        losses = train(training, model, optimizer, 5)
    training.finish()
    assert len(losses) == 5
    texts = [str(item.message) for item in caught]
    assert len(texts) == len(set(texts)) <= 3


def test_a_metric_that_is_no_number_is_told_once(project: Project, recorded: Recorded, series: Series) -> None:
    model, optimizer = line()
    with mh.TorchCallback(model, optimizer) as training:
        with pytest.warns(RuntimeWarning, match="the metric 'loss' is 'low', not one number") as caught:
            train_on(training, "low", "low")
        training.step(loss=0.5)
    assert len(caught) == 1
    assert series(recorded()[0].id)["loss"] == [(2, 0.5)]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A distributed training of one process."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
def test_weights_that_lie_in_several_processes_are_not_waited_for(project: Project, recorded: Recorded) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    model, _ = line()
    fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
    with mh.TorchCallback(model, path="model.safetensors") as training:
        training.step(loss=0.5)
        with pytest.warns(RuntimeWarning, match="a checkpoint cannot be recorded: the model is sharded"):
            training.checkpoint()
    (run,) = recorded()
    assert (run.status, run.outputs) == ("finished", ())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "steps are counted from 1"),
        ({"checkpoint_every": 10}, "checkpoints have no path"),
        ({"path": "model.pt"}, "does not end in '.safetensors'"),
        ({"path": "../model.safetensors"}, "outside the repository"),
        ({"params": {"a": object()}}, "cannot be recorded"),
        ({"relation": "copy", "from_": "HEAD"}, "'copy' is no relation"),
    ],
)
def test_wrong_arguments_are_refused_at_once(project: Project, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        mh.TorchCallback(*line(), **arguments)


def test_what_is_no_model_or_has_no_repository_is_refused_at_once(project: Project, tmp_path: Path) -> None:
    model, optimizer = line()
    with pytest.raises(InvalidInputError, match="a Linear is no optimizer"):
        mh.TorchCallback(model, model)
    with pytest.raises(InvalidInputError, match="a list is no torch module"):
        mh.TorchCallback([], optimizer)
    with pytest.raises(RepositoryNotFound):
        mh.TorchCallback(model, folder=tmp_path)


SCRIPT = """
import numpy as np
import modelhub as mh

class Line:
    weight = np.ones(2, "float32")

    def state_dict(self):
        return {"weight": self.weight}

model = Line()
with mh.TorchCallback(model, path="model.safetensors") as training:
    for number in range(3):
        model.weight *= 0.5
        training.step(loss=float(model.weight.sum()))
"""


def test_under_mh_run_it_joins_the_run_and_a_replay_gives_the_same(
    project: Project, recorded: Recorded, mh: Callable[..., Any]
) -> None:
    project.write("train.py", SCRIPT)
    mh("run", "--name", "joined", "--", sys.executable, "train.py")
    (run,) = recorded()
    assert (run.name, run.status, len(run.outputs)) == ("joined", "finished", 1)
    assert b"identical" in mh("replay", "joined").stdout.splitlines()[2]


def test_the_callbacks_import_no_framework(project: Project, script: Callable[..., Any]) -> None:
    script(
        "import sys\nimport modelhub as mh\n"
        "print(mh.LightningCallback('a'), mh.TransformersCallback('b'), mh.TorchCallback)\n"
        "assert not {'torch', 'lightning', 'pytorch_lightning', 'transformers', 'numpy'} & set(sys.modules)\n"
    )
