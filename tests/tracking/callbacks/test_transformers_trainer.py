"""Tests of the callback for the Trainer of transformers, with real trainings of a tiny model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.project import Project

import modelhub as mh
from modelhub.errors import InvalidInputError, RepositoryNotFound
from modelhub.repository.objects import Run

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

pytestmark = [
    pytest.mark.filterwarnings("ignore:::transformers"),
    pytest.mark.filterwarnings("ignore:::accelerate"),
    pytest.mark.filterwarnings("ignore:::torch"),
]

Recorded = Callable[[], list[Run]]
Series = Callable[[str], dict[str, list[tuple[int, float]]]]


def tiny() -> Any:
    config = transformers.GPT2Config(
        vocab_size=32, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1
    )
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(config)


def trainer(callback: Any, model: Any = None, **arguments: Any) -> Any:
    words = [torch.arange(8) % 5 + first for first in range(8)]
    data = [{"input_ids": text, "labels": text} for text in words]
    settings = {
        "output_dir": "out", "max_steps": 4, "logging_steps": 1, "save_strategy": "no", "report_to": [],
        "disable_tqdm": True, "use_cpu": True, **arguments,
    }  # fmt: skip
    return transformers.Trainer(
        model=tiny() if model is None else model,
        args=transformers.TrainingArguments(**settings),
        train_dataset=data,
        eval_dataset=data,
        callbacks=[callback],
    )


def saving(**more: Any) -> dict[str, Any]:
    return {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "steps", "eval_steps": 2, **more}


def test_a_training_is_a_run_with_the_arguments_that_were_chosen(project: Project, recorded: Recorded) -> None:
    callback = mh.TransformersCallback("tiny", tags={"data": "counting"})
    trainer(callback, learning_rate=0.01, weight_decay=0.1, lr_scheduler_type="cosine").train()
    (run,) = recorded()
    assert callback.run is not None
    assert (run.id, run.name, run.status) == (callback.run.id, "tiny", "finished")
    assert {name: value for name, value in run.params.items() if name != "dataloader_pin_memory"} == {
        "learning_rate": 0.01, "weight_decay": 0.1, "lr_scheduler_type": "cosine", "max_steps": 4, "logging_steps": 1,
        "num_train_epochs": 3, "per_device_train_batch_size": 8, "seed": 42, "save_strategy": "no", "use_cpu": True,
        "model_class": "GPT2LMHeadModel",
    }  # fmt: skip


def test_metrics_have_the_steps_and_values_of_the_trainer(project: Project, recorded: Recorded, series: Series) -> None:
    trained = trainer(mh.TransformersCallback(), eval_strategy="steps", eval_steps=2)
    trained.train()
    found = series(recorded()[0].id)
    told = trained.state.log_history
    for name, ours in (("loss", "train/loss"), ("eval_loss", "eval/loss"), ("train_loss", "train/train_loss")):
        assert found[ours] == [(item["step"], item[name]) for item in told if name in item]
    assert [step for step, _ in found["eval/loss"]] == [2, 4]
    assert [step for step, _ in found["train/learning_rate"]] == [1, 2, 3, 4]


def test_checkpoints_are_kept_also_those_that_are_deleted_and_the_best_is_tagged(
    project: Project, recorded: Recorded
) -> None:
    choosing = saving(load_best_model_at_end=True, metric_for_best_model="loss", save_total_limit=1)
    trained = trainer(mh.TransformersCallback(), learning_rate=0.01, **choosing)
    trained.train()
    (run,) = recorded()
    assert [(usage.path, usage.step) for usage in run.outputs if usage.path.endswith(".safetensors")] == [
        ("out/checkpoint-2/model.safetensors", 2), ("out/checkpoint-4/model.safetensors", 4),
    ]  # fmt: skip
    assert {Path(usage.path).name for usage in run.outputs} == {
        "model.safetensors", "config.json", "generation_config.json",
    }  # fmt: skip
    assert not Path("out/checkpoint-2").exists()
    assert run.tags == {"best_checkpoint": "out/checkpoint-4"}
    assert run.goals == {"eval/loss": "min"}


@pytest.mark.parametrize(("choice", "kept"), [("all", {"checkpoint-4"}), ("none", set())])
def test_all_of_a_checkpoint_is_kept_or_nothing_as_asked(
    project: Project, recorded: Recorded, choice: Any, kept: set[str]
) -> None:
    trainer(mh.TransformersCallback(checkpoints=choice), save_strategy="steps", save_steps=4).train()
    outputs = recorded()[0].outputs
    assert {Path(usage.path).name for usage in outputs if usage.mode == "tree"} == kept
    assert bool(outputs) == bool(kept)


def test_a_model_of_a_version_is_the_parent(project: Project, recorded: Recorded) -> None:
    tiny().save_pretrained("start")
    commit = mh.open().commit("an untrained model").commit
    callback = mh.TransformersCallback()
    model = transformers.GPT2LMHeadModel.from_pretrained("start")
    trainer(callback, model, save_strategy="steps", save_steps=4).train()
    (run,) = recorded()
    assert [(item.relation, item.source_commit, item.source_path) for item in run.derivations] == [
        ("fine-tune", commit, "start/model.safetensors")
    ]
    assert run.params["model"] == "start"
    assert callback.run is not None
    callback.run.commit("tuned")
    found = mh.open().query("select relation, parent_path from lineage where path like 'out/%'")
    assert list(found) == [("fine-tune", "start/model.safetensors")]


def test_a_model_of_a_hub_is_the_parent_by_its_name(project: Project, recorded: Recorded) -> None:
    model = tiny()
    model.config._name_or_path = "someone/tiny-gpt"
    callback = mh.TransformersCallback()
    trainer(callback, model, save_strategy="steps", save_steps=4).train()
    (run,) = recorded()
    assert [(item.relation, item.source_name) for item in run.derivations] == [("fine-tune", "someone/tiny-gpt")]
    assert callback.run is not None
    callback.run.commit("tuned")
    found = mh.open().query("select relation, parent_name from lineage where evidence = 'run'")
    assert list(found) == [("fine-tune", "someone/tiny-gpt")]


def test_a_training_that_goes_on_says_from_which_step(project: Project, recorded: Recorded) -> None:
    trainer(mh.TransformersCallback(), max_steps=2, save_strategy="steps", save_steps=2).train()
    trainer(mh.TransformersCallback()).train(resume_from_checkpoint="out/checkpoint-2")
    first, second = recorded()
    assert "resumed_at_step" not in first.params
    assert second.params["resumed_at_step"] == 2


def test_a_given_run_takes_evaluations_after_and_is_left_to_its_owner(
    project: Project, recorded: Recorded, series: Series
) -> None:
    with mh.run("whole") as run:
        trained = trainer(mh.TransformersCallback(run))
        trained.train()
        assert recorded()[0].status == "running"
        trained.evaluate(metric_key_prefix="test")
    assert [step for step, _ in series(run.id)["test/loss"]] == [4]
    assert recorded()[0].status == "finished"


def test_each_training_is_a_run_of_its_own_and_one_that_broke_off_has_failed(
    project: Project, recorded: Recorded
) -> None:
    class Stopping(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: object, **__: object) -> None:
            raise ValueError("no more")

    callback = mh.TransformersCallback()
    broken = trainer(callback)
    broken.add_callback(Stopping())
    with pytest.raises(ValueError, match="no more"):
        broken.train()
    trainer(callback, max_steps=1).train()
    assert [run.status for run in recorded()] == ["failed", "finished"]


def test_a_training_goes_on_when_the_repository_is_gone(project: Project) -> None:
    class Losing(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: object, **__: object) -> None:
            shutil.rmtree(".mh", ignore_errors=True)

    trained = trainer(mh.TransformersCallback(), **saving())
    trained.add_callback(Losing())
    with pytest.warns(RuntimeWarning, match="the training goes on"):
        trained.train()
    assert trained.state.global_step == 4


def test_only_the_first_process_records(project: Project, recorded: Recorded) -> None:
    callback = mh.TransformersCallback()
    trained = trainer(callback)
    trained.state.is_world_process_zero = False
    callback.on_train_begin(trained.args, trained.state, trained.control)
    callback.on_log(trained.args, trained.state, trained.control, logs={"loss": 1.0})
    callback.on_train_end(trained.args, trained.state, trained.control)
    assert (callback.run, recorded()) == (None, [])


def test_wrong_arguments_are_refused_at_once(project: Project, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="checkpoints='best'"):
        mh.TransformersCallback(checkpoints="best")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="colour"):
        mh.TransformersCallback(colour={})
    with pytest.raises(RepositoryNotFound):
        mh.TransformersCallback(folder=tmp_path)
