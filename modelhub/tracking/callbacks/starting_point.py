"""What a training starts from: a checkpoint or a folder with a model, whether a version has it or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from modelhub.errors import ModelHubError
from modelhub.repository.objects import Commit, Entry
from modelhub.repository.trees import find_entry
from modelhub.tracking.hashing import hash_entry
from modelhub.tracking.training_run import TrainingRun

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".npz")
CARDS = ("config.json", "adapter_config.json", "generation_config.json")
INDEX = ".index.json"


def started_from(run: TrainingRun, place: Path, relation: str) -> None:
    """Note the model files at a path as inputs, and as parents of what the run makes where HEAD has them like that."""
    place = Path(os.path.abspath(place))
    for file in model_files(place) if place.is_dir() else (place,):
        run.input(file)
        inside = run.files.inside(file)
        head = run.files.repository.refs.head_commit
        if inside and head and _is_in(run, head, inside, file):
            run.derived(f"{head}:{inside}", relation)


def model_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a model's folder that hold its weights, and not the state of what trains it."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix in WEIGHTS and _is_of_model(file.stem):
            yield file


def card_files(folder: Path) -> Iterator[Path]:
    """Yield the small files of a model's folder that say how its weights are to be read."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and (file.name in CARDS or file.name.endswith(INDEX)):
            yield file


def _is_of_model(stem: str) -> bool:
    return not stem.startswith(("optimizer", "scheduler", "rng_state", "scaler", "training_args"))


def _is_in(run: TrainingRun, commit: str, path: str, file: Path) -> bool:
    repository = run.files.repository
    try:
        entry: Entry = find_entry(repository, repository.get(commit, Commit).tree, path)
    except ModelHubError:
        return False
    real = file.resolve()
    return entry.size == real.stat().st_size and entry.oid == hash_entry(real.parent, real.name).oid
