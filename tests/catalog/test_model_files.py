"""The catalog knows where a model file was first recorded, under which names, and its tensors' sketches."""

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.catalog.model_files import (
    History,
    manifests_with,
    same_size,
    sketched_tensors,
    sketches_by_oid,
)
from modelhub.catalog.opening import open_current
from modelhub.repository.trees import read_files

MODEL = {"a": weights(1, 40, 8), "b": weights(2, 5)}


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def number(connection, oid):
    return connection.execute("select no from mh_oids where oid = ?", (oid,)).fetchone()[0]


def manifest(project, commit, path):
    return read_files(project.repo, project.repo.commit_tree(commit))[path].manifest


def test_the_first_place_is_the_oldest_version(project):
    first = project.save("nets/base.safetensors", safetensors(MODEL))
    project.write("copy.safetensors", safetensors(MODEL))
    last = project.commit("copy").commit
    with open_current(project.repo) as connection:
        place = History(connection, last).first_place(
            number(connection, manifest(project, first, "nets/base.safetensors"))
        )
    assert (place.commit, place.path) == (first, "nets/base.safetensors")


def test_other_lines_of_history_are_not_looked_at(project):
    root = project.save("notes.txt", "x")
    project.switch("topic", create=True)
    made = project.save("base.safetensors", safetensors(MODEL))
    with open_current(project.repo) as connection:
        no = number(connection, manifest(project, made, "base.safetensors"))
        assert History(connection, root).first_place(no) is None
        assert History(connection, made).first_place(no).commit == made
        assert History(connection, "0" * 64).first_place(no) is None


@pytest.mark.parametrize("word", ["minilm", "MiniLM", "base", "base.v1", "base.v1.safetensors"])
def test_a_model_is_found_by_a_part_of_its_path(project, word):
    head = project.save("minilm/base.v1.safetensors", safetensors(MODEL))
    with open_current(project.repo) as connection:
        (place,) = History(connection, head).places_named(word)
    assert place.path == "minilm/base.v1.safetensors"


@pytest.mark.parametrize("word", ["mini", "lm", "safetensors", "v1", "%", "minilm/base"])
def test_a_piece_of_a_word_is_no_name(project, word):
    head = project.save("minilm/base.v1.safetensors", safetensors(MODEL))
    with open_current(project.repo) as connection:
        assert History(connection, head).places_named(word) == []


def test_tensors_come_with_their_sketches(project):
    head = project.save("base.safetensors", safetensors(MODEL))
    with open_current(project.repo) as connection:
        oid = manifest(project, head, "base.safetensors")
        first, second = sketched_tensors(connection, oid)
        assert (first.name, first.elements, first.nbytes, len(first.sketch)) == ("a", 320, 1280, 256)
        assert sketches_by_oid(connection, [second.oid, "0" * 64]) == {second.oid: second.sketch}
        ((tensor, sketch),) = same_size(connection, "float32", 320, 10)
        assert sketch == first.sketch
        assert same_size(connection, "int8", 320, 10) == [(tensor, sketch)]
        assert manifests_with(connection, [tensor], 10) == [(number(connection, oid), tensor)]
