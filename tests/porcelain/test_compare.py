from __future__ import annotations

import math

import pytest
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
