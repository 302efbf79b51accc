"""Tests of naming files of versions and of runs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

import modelhub
from modelhub.errors import InvalidInputError, PathNotFound, RefNotFound, StateError, UnsafePath
from modelhub.porcelain.cat import cat, tensor_array
from modelhub.porcelain.diff import diff
from modelhub.porcelain.ls import list_tensors, ls
from modelhub.porcelain.places import find_file, kept_files, version_place
from modelhub.porcelain.restore import restore
from modelhub.porcelain.show import show
from modelhub.repository.objects import Run, Usage
from modelhub.tracking.training_run import TrainingRun


def model(seed: int) -> bytes:
    return safetensors({"w": weights(seed, 32, 32)})


@pytest.fixture
def trained(project: Project, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, TrainingRun]:
    """A run that kept one file twice, a folder, and an input; the folder has another model since."""
    monkeypatch.chdir(project.root)
    project.write("data.csv", "1,2\n")
    project.write(".mhignore", "*.cache\n")
    project.write("big.cache", "not kept")
    with modelhub.run("trained") as run:
        run.input("data.csv")
        run.input("big.cache")
        for step in (10, 20):
            project.write("model.safetensors", model(step))
            run.log_model("model.safetensors", step=step)
        project.write("out/a.txt", "a")
        project.write("out/b.txt", "b")
        run.output("out")
    project.write("model.safetensors", model(99))
    return project, run


def read(project: Project, place: str) -> bytes:
    return b"".join(cat(project.repo, place=place))


def test_a_file_of_a_run_is_read_by_id_and_by_name_as_it_was_last(trained: tuple[Project, TrainingRun]) -> None:
    project, run = trained
    for text in (run.id, run.id[:4], "trained"):
        assert read(project, f"{text}:model.safetensors") == model(20)
        assert read(project, f"{text}@10:model.safetensors") == model(10)
        assert read(project, f"{text}:data.csv") == b"1,2\n"
        assert read(project, f"{text}:out/b.txt") == b"b"
    project.commit("take it in")
    assert read(project, "trained@10:model.safetensors") == model(10)
    assert np.array_equal(
        tensor_array(project.repo, place="trained@10:model.safetensors", tensor="w"), weights(10, 32, 32)
    )
    repo = modelhub.open(project.root)
    assert repo.read("trained:model.safetensors") == model(20)
    assert np.array_equal(repo.load("trained@10:model.safetensors")["w"], weights(10, 32, 32))


def test_what_is_kept_of_a_run_is_listed(trained: tuple[Project, TrainingRun]) -> None:
    project, _ = trained
    names = ["data.csv", "model.safetensors", "out/a.txt", "out/b.txt"]
    assert [file.path for file in ls(project.repo, revision="trained")] == names
    assert [file.path for file in ls(project.repo, revision="trained@10")] == ["model.safetensors"]
    assert [file.path for file in ls(project.repo, revision="trained", paths=["out"])] == names[2:]
    assert [tensor.name for tensor in list_tensors(project.repo, place="trained:model.safetensors")] == ["w"]
    assert list_tensors(project.repo, place="trained:out") == ()


def test_a_folder_written_again_replaces_the_one_before(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    with modelhub.run("folders") as run:
        project.write("out/old.txt", "old")
        run.output("out", step=1)
        shutil.rmtree(project.root / "out")
        project.write("out/new.txt", "new")
        run.output("out", step=2)
    assert [file.path for file in ls(project.repo, revision="folders")] == ["out/new.txt"]
    assert [file.path for file in ls(project.repo, revision="folders@1")] == ["out/old.txt"]


def test_what_a_run_wrote_last_is_the_last_even_if_it_had_that_before(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    with modelhub.run("again") as run:
        for content in ("best", "worse", "best"):
            project.write("model.txt", content)
            run.output("model.txt")
    assert read(project, "again:model.txt") == b"best"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("trained:nosuch", "has no 'nosuch'"),
        ("trained:big.cache", "was hashed and not kept"),
        ("trained@11:model.safetensors", "kept nothing at step 11"),
        ("trained@10:data.csv", "has no 'data.csv'"),
    ],
)
def test_what_a_run_has_not_is_said(trained: tuple[Project, TrainingRun], place: str, said: str) -> None:
    with pytest.raises(PathNotFound, match=said):
        read(trained[0], place)


def test_the_steps_there_are_are_named(trained: tuple[Project, TrainingRun]) -> None:
    with pytest.raises(PathNotFound) as caught:
        read(trained[0], "trained@11:model.safetensors")
    assert caught.value.hint == "its steps: 10, 20"


def test_folders_and_runs_as_a_whole_are_no_files(trained: tuple[Project, TrainingRun]) -> None:
    with pytest.raises(InvalidInputError, match="is a folder"):
        find_file(trained[0].repo, "trained:out")
    with pytest.raises(InvalidInputError, match="names no file"):
        find_file(trained[0].repo, "trained")


def test_what_is_neither_version_nor_run_is_not_found(trained: tuple[Project, TrainingRun]) -> None:
    for text in ("nosuch:model.safetensors", "nosuch@10:model.safetensors", "@10x:model.safetensors"):
        with pytest.raises(RefNotFound, match="no branch, tag, commit or run is called"):
            find_file(trained[0].repo, text)


def test_refs_come_before_runs_of_the_same_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    project.save("model.txt", "of the version")
    project.write("model.txt", "of the run")
    with modelhub.run("main") as run:
        run.output("model.txt")
    assert read(project, "main:model.txt") == b"of the version"
    assert read(project, f"{run.id}:model.txt") == b"of the run"


def test_several_runs_of_a_name_are_told_apart_by_their_ids(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    ids = [modelhub.run("twin").id for _ in range(2)]
    with pytest.raises(InvalidInputError, match="could be 2 runs") as caught:
        find_file(project.repo, "twin:model.txt")
    assert all(run in (caught.value.hint or "") for run in ids)
    with pytest.raises(RefNotFound, match="2 runs, not a version"):
        show(project.repo, revision="twin")


def test_a_name_may_look_like_a_step(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    project.write("model.txt", "x")
    with modelhub.run("lr@3") as run:
        run.output("model.txt", step=7)
    assert read(project, "lr@3:model.txt") == read(project, "lr@3@7:model.txt") == b"x"


def test_files_of_runs_are_compared(trained: tuple[Project, TrainingRun]) -> None:
    project, _ = trained
    project.commit("take it in")
    found = diff(project.repo, before="trained@10:model.safetensors", after="trained:model.safetensors")
    assert [tensor.change for tensor in found.tensors] == ["changed"]
    found = diff(project.repo, before="trained:model.safetensors", after="HEAD:model.safetensors")
    assert len(found.files) == 1


def test_files_of_runs_are_restored(trained: tuple[Project, TrainingRun]) -> None:
    project, run = trained
    project.commit("take it in")
    assert restore(project.repo, paths=["model.safetensors"], source=run.id[:6]).restored == ("model.safetensors",)
    assert project.read("model.safetensors") == model(20)
    restore(project.repo, paths=["model.safetensors"], source="trained@10", force=True)
    assert project.read("model.safetensors") == model(10)


def test_a_run_where_a_version_is_meant_is_told_from_a_typing_error(trained: tuple[Project, TrainingRun]) -> None:
    project, run = trained
    for text in ("trained", run.id[:5], "trained@10"):
        with pytest.raises(RefNotFound, match="is a run, not a version") as caught:
            show(project.repo, revision=text)
        assert "no version has taken it in yet" in (caught.value.hint or "")
    commit = project.commit("take it in").commit
    with pytest.raises(RefNotFound) as caught:
        show(project.repo, revision="trained")
    assert caught.value.hint == f"'mh runs trained' shows it; the version {commit[:10]} took it in"
    with pytest.raises(RefNotFound, match="no branch, tag or commit is called 'trainee'"):
        show(project.repo, revision="trainee")


def test_something_is_made_from_a_file_of_a_run_where_a_version_has_it(trained: tuple[Project, TrainingRun]) -> None:
    project, _ = trained
    with pytest.raises(StateError, match="is in no version yet"):
        version_place(project.repo, "trained:model.safetensors")
    project.write("kept.safetensors", model(20))
    commit = project.commit("take it in").commit
    found = version_place(project.repo, "trained:model.safetensors")
    assert (found.commit, found.path) == (commit, "kept.safetensors")
    with pytest.raises(StateError, match="is in no version yet"):
        version_place(project.repo, "trained@10:model.safetensors")
    with pytest.raises(StateError, match="is a run, not a version") as caught:
        version_place(project.repo, "trained")
    assert commit[:10] in (caught.value.hint or "")


def test_a_run_that_names_a_place_outside_writes_nothing_there(trained: tuple[Project, TrainingRun]) -> None:
    from modelhub.porcelain.find_run import find_run

    project, _ = trained
    run: Run = find_run(project.repo, "trained").run
    usage = Usage("../outside.txt", run.outputs[0].oid, 1)
    with pytest.raises(UnsafePath):
        kept_files(project.repo, Run(run.id, "", "finished", run.author, 0, 0, 0, outputs=(usage,)))
