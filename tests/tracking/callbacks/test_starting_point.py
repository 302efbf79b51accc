"""Tests of what a training says of the model that it starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contracts.project import Project, safetensors, weights

import modelhub as mh
from modelhub.repository.objects import Run
from modelhub.tracking.callbacks.starting_point import card_files, model_files, started_from

Recorded = Callable[[], list[Run]]


def test_a_file_of_the_last_version_is_a_parent_and_a_changed_one_only_an_input(
    project: Project, recorded: Recorded
) -> None:
    project.write("same.safetensors", safetensors({"w": weights(1, 4)}))
    project.write("changed.safetensors", safetensors({"w": weights(2, 4)}))
    commit = mh.open().commit("two models").commit
    project.write("changed.safetensors", safetensors({"w": weights(3, 4)}))
    with mh.run() as run:
        started_from(run, Path("same.safetensors"), "warm-start")
        started_from(run, Path("changed.safetensors"), "warm-start")
    (found,) = recorded()
    assert [usage.path for usage in found.inputs] == ["same.safetensors", "changed.safetensors"]
    assert [(item.source_commit, item.source_path) for item in found.derivations] == [(commit, "same.safetensors")]


def test_what_lies_outside_is_hashed_and_no_parent(project: Project, recorded: Recorded, tmp_path: Path) -> None:
    outside = tmp_path / "model.pt"
    outside.write_bytes(b"weights")
    with mh.run() as run:
        started_from(run, outside, "fine-tune")
    (found,) = recorded()
    assert [(usage.path, usage.kept) for usage in found.inputs] == [(str(outside), False)]
    assert found.derivations == ()


def test_of_a_folder_the_weights_count_and_not_the_state_of_the_training(tmp_path: Path) -> None:
    names = [
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
        "config.json", "optimizer.pt", "scheduler.pt", "rng_state_0.pth", "training_args.bin", "vocab.txt",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "global_step.pt").mkdir()
    assert [file.name for file in model_files(tmp_path)] == names[:2]
    assert [file.name for file in card_files(tmp_path)] == ["config.json", "model.safetensors.index.json"]
