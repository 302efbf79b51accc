from __future__ import annotations

import math

import pytest
from contracts.logged_run import finished
from contracts.project import Project

from modelhub.errors import InvalidInputError, RefNotFound
from modelhub.porcelain.compare import compare, differs


def three(project: Project) -> list[str]:
    project.commit("a", allow_empty=True, params={"lr": 0.1, "seed": 1}, metrics={"loss": math.nan, "acc": 0.5})
    project.commit("b", allow_empty=True, params={"lr": 0.1, "seed": 1}, metrics={"loss": math.nan, "acc": 0.6})
    project.commit("c", allow_empty=True, params={"lr": 0.01, "seed": 1, "amp": True}, metrics={"loss": math.nan})
    return ["HEAD~2", "HEAD~1", "main"]


def test_only_what_differs_is_told_params_before_metrics(project: Project) -> None:
    result = compare(project.repo, revisions=three(project))
    assert [(version.revision, version.summary) for version in result.versions] == [
        ("HEAD~2", "a"), ("HEAD~1", "b"), ("main", "c")
    ]  # fmt: skip
    assert [(row.kind, row.name, row.values) for row in result.rows] == [
        ("param", "amp", (None, None, True)),
        ("param", "lr", (0.1, 0.1, 0.01)),
        ("metric", "acc", (0.5, 0.6, None)),
    ]
    assert result.equal == 2


def test_what_is_equal_is_told_where_asked_for(project: Project) -> None:
    result = compare(project.repo, revisions=three(project)[:2], every=True)
    assert [row.name for row in result.rows] == ["lr", "seed", "acc", "loss"]
    assert result.equal == 0
    assert compare(project.repo, revisions=["main", "HEAD"]).rows == ()


def test_values_differ_by_value_and_by_kind() -> None:
    assert not differs([1, 1.0])
    assert not differs([math.nan, float("nan")])
    assert differs([1, True])
    assert differs([1, "1"])
    assert differs([0, None])
    assert differs([math.nan, "nan"])


def test_two_versions_are_needed_and_each_must_be_there(project: Project) -> None:
    three(project)
    with pytest.raises(InvalidInputError, match="two versions or more"):
        compare(project.repo, revisions=["main"])
    with pytest.raises(RefNotFound, match="'nope'"):
        compare(project.repo, revisions=["main", "nope"])


def test_metrics_measured_on_different_data_are_named(project: Project) -> None:
    commits = []
    for content in ("1", "2"):
        project.write("test.csv", content)
        commits.append(project.commit(content, metrics={"accuracy": 0.5}, data="test.csv").commit)
    commits.append(project.commit("3", allow_empty=True, metrics={"accuracy": 0.5}, data="test.csv").commit)
    assert compare(project.repo, revisions=commits[:2]).across_data == ("accuracy",)
    assert compare(project.repo, revisions=commits[1:]).across_data == ()


def test_runs_are_compared_by_their_params_and_last_values(project: Project) -> None:
    for number, rate in ((1, 0.1), (2, 0.2)):
        finished(project.repo.layout, f"aaaa0000000000a{number}", points=number, name=f"r{number}", params={"lr": rate})
    result = compare(project.repo, revisions=["r1", "aaaa0000000000a2"])
    assert [(item.revision, item.run, item.commit, item.summary) for item in result.versions] == [
        ("r1", "aaaa0000000000a1", "", "r1"), ("aaaa0000000000a2", "aaaa0000000000a2", "", "r2")
    ]  # fmt: skip
    assert [(row.name, row.values) for row in result.rows] == [("lr", (0.1, 0.2)), ("loss", (1.0, 0.5))]
    commit = project.commit("take them in", allow_empty=True).commit
    result = compare(project.repo, revisions=["r1", "HEAD"], every=True)
    assert [item.commit for item in result.versions] == [commit, commit]
    assert [item.run for item in result.versions] == ["aaaa0000000000a1", ""]


@pytest.mark.parametrize("place", ["r1:model.safetensors", "r1@3", "HEAD:model.safetensors"])
def test_parts_of_versions_and_runs_are_not_compared(project: Project, place: str) -> None:
    finished(project.repo.layout, "aaaa0000000000a1", name="r1")
    project.save("model.safetensors", "x")
    with pytest.raises(InvalidInputError, match="is a part of one"):
        compare(project.repo, revisions=[place, "HEAD"])
