from __future__ import annotations

import json
import os
import shutil
import threading

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.catalog.opening import open_current
from modelhub.errors import InvalidInputError, LintFailed, PathNotFound, StateError, UnsafePath
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.log import log
from modelhub.porcelain.restore import unstage
from modelhub.repository.index import read_index
from modelhub.repository.objects import Commit


def test_with_nothing_staged_everything_is_recorded(project: Project) -> None:
    project.write("a", "1")
    project.write("d/b", "2")
    done = project.commit("first")
    assert [(change.kind, change.path) for change in done.changes] == [("added", "a"), ("added", "d/b")]
    project.write("a", "changed")
    project.remove("d/b")
    done = project.commit("second")
    assert [(change.kind, change.path) for change in done.changes] == [("modified", "a"), ("deleted", "d/b")]
    assert project.files_of(done.commit) == {"a": ("file", b"changed")}
    assert project.status().clean


def test_with_something_staged_the_rest_is_left_alone(project: Project) -> None:
    project.save("a", "1")
    project.write("a", "2")
    project.write("b", "new")
    project.add("b")
    done = project.commit()
    assert project.files_of(done.commit) == {"a": ("file", b"1"), "b": ("file", b"new")}
    assert [change.path for change in project.status().unstaged] == ["a"]


def test_given_paths_are_recorded_whatever_else_is_changed(project: Project) -> None:
    project.write("a", "1")
    project.write("b", "1")
    project.commit()
    project.write("a", "2")
    project.write("b", "2")
    done = project.commit(paths=["a"])
    assert project.files_of(done.commit) == {"a": ("file", b"2"), "b": ("file", b"1")}


def test_the_same_state_twice_is_refused_unless_asked_for(project: Project) -> None:
    project.save("a", "1")
    with pytest.raises(StateError, match="nothing to commit"):
        project.commit()
    assert project.commit(allow_empty=True).changes == ()
    assert project.commit(metrics={"loss": 0.5}).changes == ()


def test_an_empty_message_is_refused(project: Project) -> None:
    project.write("a", "1")
    with pytest.raises(InvalidInputError, match="message is empty"):
        project.commit("  \n")


def test_params_and_metrics_come_back_as_they_were_given(project: Project) -> None:
    project.write("a", "1")
    params = {"lr": 0.1, "layers": 12, "optimizer": "adam", "amp": True, "seed": None}
    done = project.commit(params=params, metrics={"loss": 0.25, "bad": float("nan"), "worse": float("inf")})
    found = project.repo.get(done.commit, Commit)
    assert found.params == params
    assert found.metrics == {"loss": 0.25, "bad": "nan", "worse": "inf"}
    assert next(log(project.repo)).metrics["loss"] == 0.25


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1 << 70])
def test_a_param_that_cannot_be_kept_exactly_is_refused(project: Project, value: float) -> None:
    project.write("a", "1")
    with pytest.raises(InvalidInputError, match="'lr'"):
        project.commit(params={"lr": value})
    assert project.repo.refs.head_commit is None


def test_text_that_is_not_unicode_is_refused(project: Project) -> None:
    project.write("a", "1")
    with pytest.raises(InvalidInputError):
        project.commit("bad \udc80 letter")


def test_a_symbolic_link_is_recorded_as_a_link(project: Project) -> None:
    project.write("a", "1")
    (project.root / "link").symlink_to("a")
    (project.root / "folder").mkdir()
    (project.root / "to-folder").symlink_to("folder")
    done = project.commit()
    assert project.files_of(done.commit) == {
        "a": ("file", b"1"), "link": ("link", b"a"), "to-folder": ("link", b"folder")
    }  # fmt: skip


def test_modes_names_and_empty_files_come_back(project: Project) -> None:
    names = ["leer", "größe/Füße.txt", "日本/モデル.bin", "with space", "-dash", "a'quote", "emoji🙂"]
    for name in names:
        project.write(name, b"")
    project.write("run.sh", "#!/bin/sh", executable=True)
    before = project.folder()
    done = project.commit()
    assert project.files_of(done.commit) == before
    for name in before:
        project.remove(name)
    project.checkout("HEAD", force=True)
    assert project.folder() == before


@pytest.mark.parametrize("name", ["a\nb", "nul.txt", "x.", "a:b", "\u202ecod.exe", ".Git/config", "a\\b"])
def test_a_name_that_could_mislead_is_refused_before_anything_is_written(project: Project, name: str) -> None:
    project.save("a", "1")
    before = _state(project)
    project.write("a", "2")
    project.write(name, "x")
    with pytest.raises(UnsafePath):
        project.commit()
    with pytest.raises(UnsafePath):
        project.add()
    assert _state(project) == before


def test_names_that_differ_in_case_only_are_refused(project: Project) -> None:
    project.write("Model.bin", "1")
    project.write("model.bin", "2")
    with pytest.raises(UnsafePath, match="same name"):
        project.commit()


def test_a_name_that_is_not_utf8_is_refused_with_the_name(project: Project) -> None:
    (project.root / os.fsdecode(b"bad\xff")).write_bytes(b"1")
    assert len(project.status().untracked) == 1
    with pytest.raises(UnsafePath, match="UTF-8"):
        project.commit()


def test_strict_refuses_bad_weights_and_changes_nothing(project: Project) -> None:
    project.save("m.safetensors", safetensors({"w": weights(1, 20, 20)}))
    project.write("m.safetensors", safetensors({"w": np.full((20, 20), np.nan, "float32")}))
    before = _state(project)
    with pytest.raises(LintFailed, match="NaN"):
        project.commit(strict=True)
    assert _state(project) == before
    assert [change.path for change in project.status().unstaged] == ["m.safetensors"]
    done = project.commit()
    assert {finding.code for finding in done.findings} >= {"nan"}


def test_every_finding_has_a_row(project: Project) -> None:
    names = {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-3.safetensors"}
    project.write("model.safetensors.index.json", json.dumps({"weight_map": names}))
    project.write("m-3.safetensors", safetensors({"other": weights(1, 5)}))
    done = project.commit()
    assert {finding.code for finding in done.findings} == {"missing-shard", "missing-tensor"}
    with open_current(project.repo) as connection:
        rows = {row for (row,) in connection.execute("select message from lint")}
    assert rows == {finding.message for finding in done.findings}
    assert "2 shards are not there" in " ".join(rows)


def test_a_truncated_model_is_kept_as_bytes_with_a_warning_and_a_finding(project: Project) -> None:
    content = safetensors({"w": weights(1, 50, 50)})[:-100]
    project.write("m.safetensors", content)
    done = project.commit()
    assert "kept as plain bytes" in done.warnings[0]
    assert [finding.code for finding in done.findings] == ["unreadable"]
    assert project.files_of(done.commit) == {"m.safetensors": ("file", content)}


def test_staged_findings_are_told_at_commit_too(project: Project) -> None:
    project.write("m.safetensors", safetensors({"w": np.zeros((20, 20), "float32")}))
    project.add()
    with pytest.raises(LintFailed):
        project.commit(strict=True)
    assert project.commit().findings


def test_a_declared_parent_is_recorded(project: Project) -> None:
    base = project.save("base.safetensors", safetensors({"w": weights(1, 40, 40)}))
    project.write("tuned.safetensors", safetensors({"w": weights(1, 40, 40) + np.float32(0.001)}))
    spec = DeriveSpec(f"{base}:base.safetensors", "fine-tune")
    done = project.commit(derive=(spec, spec))
    found = project.repo.get(done.commit, Commit).derivations[0]
    assert (found.path, found.source_commit, found.source_path) == ("tuned.safetensors", base, "base.safetensors")
    assert next(log(project.repo)).commit == done.commit
    with pytest.raises(InvalidInputError, match="no relation"):
        project.commit(derive=(DeriveSpec(base, "cousin"),))


def test_a_script_that_changed_too_does_not_hide_which_model_came_from_the_source(project: Project) -> None:
    first = project.save("base.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.write("tune.py", "print(1)")
    project.write("tuned.safetensors", safetensors({"w": weights(2, 30, 30)}))
    done = project.commit(derive=(DeriveSpec(f"{first}:base.safetensors"),))
    assert [item.path for item in done.derivations if item.declared] == ["tuned.safetensors"]


def test_a_path_that_names_nothing_is_an_error(project: Project) -> None:
    project.write("a", "1")
    with pytest.raises(PathNotFound, match="'b'"):
        project.commit(paths=["b"])


def test_a_second_writer_waits_for_the_first(project: Project) -> None:
    project.write("a", "1")
    waited = threading.Event()
    done = []
    other = Project(project.root, project.again())

    def write() -> None:
        from modelhub.porcelain.commit import commit

        done.append(commit(other.repo, act=other.act(), message="second", waiting=waited.set))

    with project.repo.writing():
        thread = threading.Thread(target=write)
        thread.start()
        assert waited.wait(10)
        assert not done
    thread.join(10)
    assert project.repo.refs.head_commit == done[0].commit


def test_a_detached_head_moves_with_its_commits(project: Project) -> None:
    first = project.save("a", "1")
    project.save("a", "2")
    project.checkout(first)
    done = project.commit(allow_empty=True)
    assert (done.branch, done.parents) == (None, (first,))
    assert project.repo.refs.head == done.commit
    assert project.repo.refs.branches()["main"] != done.commit


def _state(project: Project) -> tuple[object, ...]:
    repo = project.again()
    return repo.pointer(), read_index(repo.layout), sorted(repo.store.ids())


def test_given_paths_leave_other_staged_changes_staged(project: Project) -> None:
    project.save("a", "1")
    project.save("b", "1")
    project.write("a", "2")
    project.write("b", "2")
    project.write("new", "1")
    project.add("a")
    project.add("new")
    done = project.commit("only b", paths=["b"])
    assert project.files_of(done.commit) == {"a": ("file", b"1"), "b": ("file", b"2")}
    assert [change.path for change in project.status().staged] == ["a", "new"]


def test_a_given_path_that_is_staged_already_is_recorded(project: Project) -> None:
    project.save("a", "1")
    project.write("a", "2")
    project.add("a")
    assert project.files_of(project.commit("a", paths=["a"]).commit) == {"a": ("file", b"2")}


@pytest.mark.parametrize(("old", "new"), [("a", "a/b"), ("a/b", "a"), ("model.bin", "Model.bin")])
def test_a_path_that_is_committed_alone_takes_the_place_of_what_it_cannot_stand_beside(
    project: Project, old: str, new: str
) -> None:
    project.save(old, "1")
    shutil.rmtree(project.root / "a", ignore_errors=True)
    (project.root / old).unlink(missing_ok=True)
    project.write(new, "2")
    assert project.files_of(project.commit("new", paths=[new]).commit) == {new: ("file", b"2")}


def test_two_staged_names_that_some_file_systems_take_for_one_are_not_committed(project: Project) -> None:
    project.save("model.bin", "1")
    project.write("Model.bin", "2")
    project.remove("model.bin")
    project.add()
    unstage(project.repo, paths=["model.bin"])
    with pytest.raises(UnsafePath, match="the same name on some file systems"):
        project.commit()
