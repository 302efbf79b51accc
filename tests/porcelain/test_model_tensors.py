"""A model is one file, or all its shards under one name."""

import pytest
from contracts.project import safetensors, weights

from modelhub.errors import InvalidInputError, PathNotFound
from modelhub.porcelain.model_tensors import model_name, models_in, read_model, same_files
from modelhub.repository.trees import read_files


@pytest.fixture
def files(project):
    for number in (1, 2):
        project.write(f"big/model-0000{number}-of-00002.safetensors", safetensors({f"t{number}": weights(number, 4)}))
    project.write("one.safetensors", safetensors({"t": weights(3, 4)}))
    project.write("notes.txt", "text")
    return read_files(project.repo, project.repo.commit_tree(project.commit().commit))


def test_shards_have_one_name():
    assert model_name("a/model-00001-of-00002.safetensors") == "a/model-*-of-00002.safetensors"
    assert model_name("a/pytorch_model-00007-of-00011.bin") == "a/pytorch_model-*-of-00011.bin"
    assert model_name("model-1-of-2.safetensors") == "model-1-of-2.safetensors"


def test_models_of_a_version(files):
    assert list(models_in(files)) == ["big/model-*-of-00002.safetensors", "one.safetensors"]


@pytest.mark.parametrize(
    "path",
    ["big/model-00002-of-00002.safetensors", "big/model-*-of-00002.safetensors", "big/model.safetensors.index.json"],
)
def test_shards_are_read_together(project, files, path):
    model = read_model(project.repo, files, path)
    assert list(model.tensors) == ["t1", "t2"]
    assert model.nbytes == 32
    assert len(model.manifests) == len(model.files) == 2


def test_what_is_no_model(project, files):
    with pytest.raises(InvalidInputError):
        read_model(project.repo, files, "notes.txt")
    with pytest.raises(PathNotFound):
        read_model(project.repo, files, "nope.safetensors")
    with pytest.raises(PathNotFound):
        read_model(project.repo, files, "nope.safetensors.index.json")


def test_equal_files_are_told(files):
    assert same_files(files, dict(files), ("one.safetensors",))
    assert not same_files(files, {}, ("one.safetensors",))
