"""Lineage is read as a graph whose first node is what was asked about."""

import pytest
from contracts.logged_run import begin
from contracts.project import START_MS, safetensors
from contracts.trained import arrays, trained, tuned

from modelhub.errors import PathNotFound
from modelhub.oid import oid_of
from modelhub.porcelain.lineage import lineage
from modelhub.repository.objects import Usage
from modelhub.repository.trees import find_entry
from modelhub.runs.notes import End, Input, Output


@pytest.fixture
def models(project):
    project.save("base.safetensors", safetensors(arrays(trained(0)), {"base_model": "org/first"}))
    project.save("tuned.safetensors", safetensors(arrays(tuned(0))))
    project.save("tuned.safetensors", safetensors(arrays(tuned(0, 2))))
    return project


def told(result):
    names = [node.path or node.name for node in result.nodes]
    return [(names[edge.child], edge.relation, edge.evidence, names[edge.parent]) for edge in result.edges]


def test_ancestors_nearest_first(models):
    result = lineage(models.repo, place="HEAD:tuned.safetensors")
    assert result.nodes[0].path == "tuned.safetensors"
    assert [edge[2:] for edge in told(result)] == [
        ("history", "tuned.safetensors"), ("weights", "base.safetensors"), ("metadata", "org/first")
    ]  # fmt: skip
    assert result.starts == (0,)


def test_descendants(models):
    result = lineage(models.repo, place="HEAD:base.safetensors", up=False)
    assert [edge[0] for edge in told(result)] == ["tuned.safetensors", "tuned.safetensors"]
    assert result.starts == (0,)


def test_a_whole_version_starts_at_each_model(models):
    result = lineage(models.repo)
    assert {result.nodes[number].path for number in (0, 1)} == {"base.safetensors", "tuned.safetensors"}
    reached = set(result.starts)
    for _ in result.nodes:
        reached |= {far for near in list(reached) for _edge, far in result.steps.get(near, ())}
    assert reached == set(range(len(result.nodes)))


def test_depth_ends_the_walk(models):
    assert len(lineage(models.repo, place=":tuned.safetensors", depth=1).edges) == 1


def test_a_path_that_is_not_there(models):
    with pytest.raises(PathNotFound):
        lineage(models.repo, place="HEAD:nope.pt")


def train_on(project, path):
    """Record data, then a run that read it at a path and wrote a model."""
    project.write("data/train.csv", "1")
    project.write("data/test.csv", "2")
    tree = project.repo.commit_tree(project.commit("data").commit)
    read, model = find_entry(project.repo, tree, path), safetensors(arrays(trained(0)))
    project.write("model.safetensors", model)
    run = begin(project.repo.layout)
    run.note(Input(Usage(path, read.oid, read.size, mode=read.mode)))
    run.note(Output(Usage("model.safetensors", oid_of(model), len(model), kept=False)))
    run.note(End(START_MS, "finished"))
    run.close()
    project.commit("trained")


def test_a_data_file_leads_to_the_models_trained_on_it(project):
    train_on(project, "data/train.csv")
    result = lineage(project.repo, place="HEAD:data/train.csv", up=False)
    assert told(result) == [("model.safetensors", "trained-on", "run", "data/train.csv")]
    assert (result.nodes[0].kind, result.nodes[0].path) == ("data", "data/train.csv")
    assert told(lineage(project.repo, place="HEAD:data", up=False)) == told(result)
    for up in (True, False):
        other = lineage(project.repo, place="HEAD:data/test.csv", up=up)
        assert [node.path for node in other.nodes] == ["data/test.csv"]
        assert other.edges == ()
    assert lineage(project.repo, place="HEAD:data/train.csv").edges == ()


def test_a_file_of_a_folder_that_was_read_leads_to_the_model_too(project):
    train_on(project, "data")
    edge = ("model.safetensors", "trained-on", "run", "data")
    result = lineage(project.repo, place="HEAD:data/train.csv", up=False)
    assert told(result) == [edge]
    assert result.nodes[0].path == "data/train.csv"
    assert told(lineage(project.repo, place="HEAD:data", up=False)) == [edge]


def test_a_folder_of_models_leads_to_what_they_came_from(project):
    project.save("models/base.safetensors", safetensors(arrays(trained(0))))
    project.save("models/tuned.safetensors", safetensors(arrays(tuned(0))))
    edge = ("models/tuned.safetensors", "fine-tune", "weights", "models/base.safetensors")
    assert told(lineage(project.repo, place="HEAD:models")) == [edge]
