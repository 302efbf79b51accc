from __future__ import annotations

import math
from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.errors import RefNotFound
from modelhub.porcelain.log import log
from modelhub.porcelain.merge import merge
from modelhub.porcelain.tag import create_tag


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_newest_first_and_never_a_parent_before_its_child(project: Project) -> None:
    project.save("a", "1")
    project.now += 1_000_000
    project.save("a", "made with a clock ahead")
    project.now -= 2_000_000
    project.save("a", "made with a clock behind")
    found = list(log(project.repo))
    assert [entry.parents[:1] for entry in found[:-1]] == [(entry.commit,) for entry in found[1:]]


def test_both_lines_of_a_merge_are_told_once(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    project.save("b", "1", "on topic")
    project.switch("main")
    project.save("c", "1", "on main")
    merge(project.repo, act=project.act("merge"), revision="topic")
    found = [entry.summary for entry in log(project.repo)]
    assert found == ["Merge 'topic'", "on main", "on topic", "more"]


def test_paths_keep_the_commits_that_changed_them(project: Project) -> None:
    project.save("d/a", "1", "one")
    project.save("b", "1", "two")
    project.save("d/c", "1", "three")
    project.remove("d/a")
    project.commit("four")
    assert [entry.summary for entry in log(project.repo, paths=["d"])] == ["four", "three", "one"]
    assert [entry.summary for entry in log(project.repo, paths=["d/a"])] == ["four", "one"]
    assert [entry.summary for entry in log(project.repo, paths=["b", "d/c"])] == ["three", "two"]
    assert len(list(log(project.repo, paths=[""]))) == 4
    assert list(log(project.repo, paths=["absent"])) == []


def test_a_limit_and_a_start_narrow_it(project: Project) -> None:
    for number in range(5):
        project.save("a", str(number), str(number))
    assert [entry.summary for entry in log(project.repo, limit=2)] == ["4", "3"]
    assert [entry.summary for entry in log(project.repo, revision="HEAD~3")] == ["1", "0"]
    assert list(log(project.repo, limit=0)) == []


def test_refs_are_named_as_people_read_them(project: Project) -> None:
    first = project.save("a", "1")
    project.save("a", "2")
    create_tag(project.repo, act=project.act(), name="v1")
    assert set(next(log(project.repo)).refs) == {"HEAD -> main", "tag: v1"}
    project.checkout(first)
    assert next(log(project.repo)).refs == ("HEAD",)


def test_other_lines_only_come_where_asked_for(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    tip = project.save("b", "1")
    project.switch("main")
    assert tip not in {entry.commit for entry in log(project.repo)}
    assert tip in {entry.commit for entry in log(project.repo, all_refs=True)}


def test_params_come_back_with_their_types(project: Project) -> None:
    project.write("a", "1")
    params = {"lr": 0.1, "layers": 12, "negative": -3, "optimizer": "adam", "digits": "007", "amp": True, "none": None}
    project.commit(params=params, metrics={"loss": 0.5, "nan": float("nan"), "inf": float("inf")})
    entry = next(log(project.repo))
    assert {name: entry.params[name] for name in ("lr", "layers", "negative", "optimizer", "digits")} == {
        "lr": 0.1, "layers": 12, "negative": -3, "optimizer": "adam", "digits": "007"
    }  # fmt: skip
    assert str(entry.metrics) == str({"inf": math.inf, "loss": 0.5, "nan": math.nan})


def test_before_the_first_commit_there_is_no_log(project: Project) -> None:
    with pytest.raises(RefNotFound, match="no commit yet"):
        list(log(project.repo))


def test_many_commits_are_told_in_full(project: Project) -> None:
    commits = [project.commit(str(number), allow_empty=True).commit for number in range(40)]
    assert [entry.commit for entry in log(project.repo)] == commits[::-1]
