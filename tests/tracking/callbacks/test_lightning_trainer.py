"""Tests of the callback for Lightning's trainer, with real trainings."""

from __future__ import annotations

import csv
import pickle
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from contracts.project import Project

import modelhub as mh
from modelhub.errors import InvalidInputError, RefNotFound, RepositoryNotFound
from modelhub.repository.objects import Run

torch = pytest.importorskip("torch")
pl = pytest.importorskip("pytorch_lightning")

pytestmark = [
    pytest.mark.filterwarnings("ignore:::pytorch_lightning"),
    pytest.mark.filterwarnings("ignore:::lightning_fabric"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
]

Recorded = Callable[[], list[Run]]
Series = Callable[[str], dict[str, list[tuple[int, float]]]]

TRAIN = """
import torch, pytorch_lightning as pl
from torch.utils.data import DataLoader, TensorDataset

class Line(pl.LightningModule):
    def __init__(self, lr=0.1, layers=(1, 2)):
        super().__init__()
        self.save_hyperparameters()
        self.line = torch.nn.Linear(2, 1)

    def loss(self, batch):
        x, y = batch
        return ((self.line(x) - y) ** 2).mean()

    def training_step(self, batch, number):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, number):
        self.log("val_loss", self.loss(batch))

    def test_step(self, batch, number):
        self.log("test_loss", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)

def data():
    x = torch.arange(32.0).reshape(16, 2) / 32
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=4)

def trainer(callbacks, **options):
    options = {"max_epochs": 2, "logger": False, "log_every_n_steps": 1, **options}
    return pl.Trainer(
        callbacks=callbacks, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False, **options
    )
"""

space: dict[str, Any] = {"__name__": "line"}
exec(TRAIN, space)
Line, data, trainer = space["Line"], space["data"], space["trainer"]


class Stopping(pl.Callback):
    """Raises when the first epoch ends."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_train_epoch_end(self, *_: object) -> None:
        raise self.error


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def fit(*callbacks: Any, ckpt_path: str | None = None, **options: Any) -> Any:
    torch.manual_seed(0)
    made = trainer(list(callbacks), **options)
    made.fit(Line(lr=0.01), data(), data(), ckpt_path=ckpt_path)
    return made


def test_a_fit_is_a_run_with_its_params(project: Project, recorded: Recorded) -> None:
    callback = mh.LightningCallback("line", tags={"data": "points"}, params={"note": "first", "lr": 0.5})
    fit(callback, gradient_clip_val=0.5, enable_checkpointing=False)
    (run,) = recorded()
    assert callback.run is not None
    assert (run.id, run.name, run.status, run.tags) == (callback.run.id, "line", "finished", {"data": "points"})
    assert run.params == {
        "note": "first", "lr": 0.5, "layers": "[1,2]", "max_epochs": 2, "gradient_clip_val": 0.5,
        "batch_size": 4, "optimizer": "AdamW", "weight_decay": 0.01,
    }  # fmt: skip


def test_metrics_are_those_of_lightnings_own_logger_at_the_same_steps(
    project: Project, recorded: Recorded, series: Series
) -> None:
    fit(mh.LightningCallback(), pl.callbacks.LearningRateMonitor(), logger=pl.loggers.CSVLogger("logs"))
    expected: dict[str, list[tuple[int, float]]] = {}
    for row in csv.DictReader(Path("logs/lightning_logs/version_0/metrics.csv").read_text().splitlines()):
        for name, value in row.items():
            if name != "step" and value:
                expected.setdefault(name, []).append((int(row["step"]), float(value)))
    found = series(recorded()[0].id)
    assert found.keys() == expected.keys()
    for name, points in expected.items():
        if name != "epoch":
            assert found[name] == [(step, pytest.approx(value, rel=1e-6)) for step, value in points]
    assert [step for step, _ in found["val_loss"]] == [3, 7]  # and none of the sanity check


def test_the_trainer_is_as_without_the_callback(project: Project) -> None:
    plain, watched = fit(default_root_dir="plain"), fit(mh.LightningCallback(), default_root_dir="watched")
    assert watched.loggers == plain.loggers == []
    names = [Path(trained.checkpoint_callback.best_model_path) for trained in (plain, watched)]
    assert names[0].relative_to("plain") == names[1].relative_to("watched")
    weights = [torch.load(name, weights_only=False)["state_dict"] for name in names]
    assert weights[0].keys() == weights[1].keys()
    assert not torch.load(names[1], weights_only=False)["callbacks"].keys() & {"LightningCallback"}


def test_it_is_a_callback_to_lightning_bare_and_as_a_base(project: Project, recorded: Recorded) -> None:
    class Own(mh.LightningCallback, pl.Callback):  # type: ignore[misc]
        pass

    assert isinstance(mh.LightningCallback(), pl.Callback)
    fit_with = trainer(mh.LightningCallback(), max_steps=1, enable_checkpointing=False)
    fit_with.fit(Line(), data())
    fit(Own(), max_steps=1, enable_checkpointing=False)
    assert [run.status for run in recorded()] == ["finished", "finished"]


def test_it_serves_where_lightning_is_imported_after_it_is_made(
    project: Project, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "pytorch_lightning")
        callback = mh.LightningCallback()
    assert not isinstance(callback, pl.Callback)
    fit(callback, max_epochs=1)
    assert (recorded()[0].status, len(recorded()[0].outputs)) == ("finished", 1)


def test_trials_of_a_tuner_are_no_runs(project: Project, recorded: Recorded, series: Series) -> None:
    callback = mh.LightningCallback()
    made = trainer([callback, pl.callbacks.LearningRateFinder(num_training_steps=3)], enable_checkpointing=False)
    made.fit(Line(), data())
    (run,) = recorded()
    assert "resumed_at_step" not in run.params
    assert [step for step, _ in series(run.id)["train_loss"]] == list(range(8))


def test_several_optimizers_are_told_apart(project: Project, recorded: Recorded) -> None:
    class Two(Line):  # type: ignore[misc]
        automatic_optimization = False

        def training_step(self, batch: Any, number: int) -> None:
            first, second = self.optimizers()
            self.manual_backward(self.loss(batch))
            first.step()
            second.step()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD([self.line.weight], lr=0.5), torch.optim.Adam([self.line.bias], lr=0.25)

    trainer(mh.LightningCallback(), enable_checkpointing=False).fit(Two(lr=0.1), data())
    params = recorded()[0].params
    assert [params[name] for name in ("optimizer", "lr", "optimizer.1", "lr.1")] == ["SGD", 0.1, "Adam", 0.25]


def test_every_checkpoint_is_kept_also_one_that_lightning_deletes(project: Project, recorded: Recorded) -> None:
    saving = pl.callbacks.ModelCheckpoint(
        "saved", monitor="val_loss", every_n_epochs=1, save_top_k=1, save_last=True, filename="{epoch}"
    )
    trained = fit(mh.LightningCallback(), saving, max_epochs=3)
    (run,) = recorded()
    kept = [(usage.path, usage.step) for usage in run.outputs]
    assert [item for item in kept if item[0] != "saved/last.ckpt"] == [
        ("saved/epoch=0.ckpt", 4), ("saved/epoch=1.ckpt", 8), ("saved/epoch=2.ckpt", 12),
    ]  # fmt: skip
    assert all(usage.kept and usage.manifest for usage in run.outputs)
    assert not Path("saved/epoch=0.ckpt").exists()
    best = Path(trained.checkpoint_callback.best_model_path).relative_to(project.root).as_posix()
    assert run.tags == {"best_checkpoint": best}
    assert run.goals == {"val_loss": "min"}


def test_checkpoints_are_left_alone_where_nobody_wants_them(project: Project, recorded: Recorded) -> None:
    fit(mh.LightningCallback(checkpoints=False), default_root_dir="out")
    assert recorded()[0].outputs == ()
    assert list(Path("out/checkpoints").iterdir())


def test_an_exception_passes_and_the_run_has_failed_with_its_last_checkpoint(
    project: Project, recorded: Recorded
) -> None:
    saving = pl.callbacks.ModelCheckpoint("saved", monitor="val_loss", save_on_exception=True, every_n_epochs=9)
    with pytest.raises(ValueError, match="no more"):
        fit(mh.LightningCallback(), Stopping(ValueError("no more")), saving)
    (run,) = recorded()
    assert run.status == "failed"
    assert [usage.step for usage in run.outputs] == [4]


def test_ctrl_c_interrupts_the_run(project: Project, recorded: Recorded) -> None:
    with pytest.raises(SystemExit):
        fit(mh.LightningCallback(), Stopping(KeyboardInterrupt()), enable_checkpointing=False)
    assert recorded()[0].status == "interrupted"


def test_each_fit_is_a_run_of_its_own(project: Project, recorded: Recorded, series: Series) -> None:
    callback = mh.LightningCallback("again")
    ids = []
    for _ in range(2):
        fit(callback, max_steps=2, enable_checkpointing=False)
        assert callback.run is not None
        ids.append(callback.run.id)
    assert [(run.id, run.status) for run in recorded()] == [(ids[0], "finished"), (ids[1], "finished")]
    assert len(series(ids[0])["train_loss"]) == len(series(ids[1])["train_loss"]) == 2


def test_a_given_run_takes_fit_and_test_and_is_left_to_its_owner(
    project: Project, recorded: Recorded, series: Series
) -> None:
    with mh.run("whole") as run:
        trained = fit(mh.LightningCallback(run), max_steps=2, enable_checkpointing=False)
        assert recorded()[0].status == "running"
        trained.test(Line(), data(), verbose=False)
        run.log(after=1.0)
    (found,) = recorded()
    assert found.status == "finished"
    assert {"train_loss", "test_loss", "after"} <= series(run.id).keys()


def test_a_test_after_the_run_is_not_lost_in_silence(project: Project, recorded: Recorded) -> None:
    trained = fit(mh.LightningCallback(), max_steps=1, enable_checkpointing=False)
    with pytest.warns(RuntimeWarning, match=r"metrics of trainer.test\(\) are not recorded"):
        trained.test(Line(), data(), verbose=False)
    assert recorded()[0].status == "finished"


def test_a_training_that_goes_on_from_a_version_says_so(project: Project, recorded: Recorded) -> None:
    first = mh.LightningCallback("first")
    saving = pl.callbacks.ModelCheckpoint("saved", filename="line")
    fit(first, saving)
    assert first.run is not None
    commit = first.run.commit("a line").commit
    again = pl.callbacks.ModelCheckpoint("saved", filename="more")
    fit(mh.LightningCallback("second"), again, max_epochs=3, ckpt_path="saved/line.ckpt")
    (run,) = recorded()
    assert run.params["resumed_at_step"] == 8
    assert [usage.path for usage in run.inputs] == ["saved/line.ckpt"]
    assert [(item.relation, item.source_commit, item.source_path) for item in run.derivations] == [
        ("warm-start", commit, "saved/line.ckpt")
    ]
    mh.open().commit("more of it")
    found = mh.open().query("select relation, parent_path from lineage where path = 'saved/more.ckpt'")
    assert list(found) == [("warm-start", "saved/line.ckpt")]


def test_a_training_goes_on_when_the_repository_is_gone(project: Project) -> None:
    class Losing(pl.Callback):
        def on_train_epoch_end(self, *_: object) -> None:
            shutil.rmtree(".mh", ignore_errors=True)

    with pytest.warns(RuntimeWarning, match="the training goes on") as caught:
        trained = fit(mh.LightningCallback(), Losing())
    assert trained.global_step == 8
    ours = [str(item.message) for item in caught if "modelhub" in str(item.message)]
    assert len(ours) == len(set(ours)) <= 3


def test_a_training_goes_on_when_no_run_can_begin(project: Project) -> None:
    callback = mh.LightningCallback()
    shutil.rmtree(".mh")
    with pytest.warns(RuntimeWarning, match="the run cannot be recorded: .*; the training goes on"):
        trained = fit(callback, max_steps=3, enable_checkpointing=False)
    assert trained.global_step == 3
    assert callback.run is None


def test_wrong_arguments_are_refused_at_once(project: Project, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="colour"):
        mh.LightningCallback(colour={})
    with pytest.raises(InvalidInputError, match="cannot be recorded as a number"):
        mh.LightningCallback(params={"lr": float("nan")})
    with pytest.raises(RefNotFound):
        mh.LightningCallback(from_="v1:model.pt")
    with pytest.raises(RepositoryNotFound):
        mh.LightningCallback(folder=tmp_path)
    with mh.run() as run, pytest.raises(InvalidInputError, match="the run has begun"):
        mh.LightningCallback(run, tags={"a": "b"})


def test_it_can_be_sent_to_another_process(project: Project, recorded: Recorded) -> None:
    callback = mh.LightningCallback("sent", params={"a": 1})
    fit(callback, max_steps=1, enable_checkpointing=False)
    there = pickle.loads(pickle.dumps(callback))
    fit(there, max_steps=1, enable_checkpointing=False)
    assert [(run.name, run.params["a"]) for run in recorded()] == [("sent", 1), ("sent", 1)]


def test_of_several_processes_the_first_records(
    project: Project, recorded: Recorded, series: Series, script: Callable[..., Any]
) -> None:
    script(
        TRAIN
        + """
import modelhub as mh
callback = mh.LightningCallback("two")
made = trainer([callback], max_steps=2, devices=2, strategy="ddp_fork", use_distributed_sampler=False)
made.fit(Line(), data())
"""
    )
    (run,) = recorded()
    assert (run.status, run.params["world_size"]) == ("finished", 2)
    assert [step for step, _ in series(run.id)["train_loss"]] == [0, 1]
    assert len(run.outputs) == 1
