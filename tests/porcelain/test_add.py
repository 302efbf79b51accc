from __future__ import annotations

import os
import shutil

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import PathNotFound
from modelhub.repository.status import load_index


def test_what_was_staged_is_told(project: Project) -> None:
    project.write("m.safetensors", safetensors({"w": weights(1, 60, 60), "b": weights(2, 60)}))
    project.write("other.safetensors", safetensors({"w": weights(1, 60, 60)}))
    done = project.add()
    assert [(change.kind, change.path) for change in done.added] == [
        ("added", "m.safetensors"), ("added", "other.safetensors")
    ]  # fmt: skip
    assert (done.tensors_new, done.tensors_shared, done.unchanged) == (2, 1, 0)
    assert done.new_nbytes == len(project.read("m.safetensors")) + len(project.read("other.safetensors"))
    again = project.add()
    assert (again.added, again.unchanged, again.stored_nbytes) == ((), 2, 0)


def test_staged_content_is_durable_before_any_commit(project: Project) -> None:
    project.write("a", "staged")
    project.add()
    project.write("a", "later")
    done = project.commit()
    assert project.files_of(done.commit)["a"][1] == b"staged"


def test_a_deleted_file_is_staged_as_deleted(project: Project) -> None:
    project.save("d/a", "1")
    project.remove("d/a")
    assert [(change.kind, change.path) for change in project.add("d/a").added] == [("deleted", "d/a")]
    project.write("other", "1")
    project.commit()
    assert load_index(project.repo).entries.keys() == set()


def test_a_folder_in_a_files_place_takes_it_over(project: Project) -> None:
    project.save("place", "a file")
    project.remove("place")
    project.write("place/inside", "1")
    project.add("place/inside")
    done = project.commit()
    assert project.files_of(done.commit).keys() == {"place/inside"}
    shutil.rmtree(project.root / "place")
    project.write("place", "a file again")
    project.add("place")
    done = project.commit()
    assert project.files_of(done.commit).keys() == {"place"}


def test_a_path_that_names_nothing_stages_nothing(project: Project) -> None:
    project.write("a", "1")
    with pytest.raises(PathNotFound, match="'absent'"):
        project.add("a", "absent")
    assert load_index(project.repo).entries == {}


def test_a_file_that_became_a_link_is_staged_as_one(project: Project) -> None:
    project.save("a", "target")
    project.remove("a")
    os.symlink("target", project.root / "a")
    project.add()
    done = project.commit()
    assert project.files_of(done.commit) == {"a": ("link", b"target")}


def test_a_truncated_model_is_told_at_once(project: Project) -> None:
    project.write("m.safetensors", safetensors({"w": weights(1, 60, 60)})[:-9])
    assert "m.safetensors" in project.add().warnings[0]


def test_a_name_with_other_capitals_takes_the_place_of_the_deleted_one(project: Project) -> None:
    project.save("model.bin", "1")
    project.write("Model.bin", "1")
    project.remove("model.bin")
    project.add("Model.bin")
    assert set(project.files_of(project.commit().commit)) == {"Model.bin"}
    project.checkout("HEAD~1")
    project.checkout("main")
    assert project.folder() == {"Model.bin": ("file", b"1")}
