from __future__ import annotations

import math

import pytest
from contracts.project import Project

from modelhub.errors import NotFoundError
from modelhub.porcelain.best import BestResult, best
from modelhub.porcelain.branch import delete_branch


def run(project: Project, message: str, accuracy: float, **params: object) -> str:
    return project.commit(message, allow_empty=True, params=params, metrics={"accuracy": accuracy, "loss": 1}).commit


def summaries(result: BestResult) -> list[str]:
    return [version.summary for version in result.versions]


def test_the_highest_is_first_or_the_lowest(project: Project) -> None:
    for message, accuracy in (("middle", 0.8), ("high", 0.9), ("broken", math.nan), ("low", 0.1)):
        run(project, message, accuracy)
    assert summaries(best(project.repo, metric="accuracy")) == ["high", "middle", "low", "broken"]
    assert summaries(best(project.repo, metric="accuracy", lowest=True)) == ["low", "middle", "high", "broken"]
    result = best(project.repo, metric="accuracy", limit=1)
    assert (summaries(result), result.measured, result.versions[0].value) == (["high"], 4, 0.9)


def test_only_params_that_differ_among_the_rows_are_shown(project: Project) -> None:
    run(project, "a", 0.9, lr=0.1, seed=1, layers=12)
    run(project, "b", 0.8, lr=0.01, seed=1, layers=12, warmup=None)
    run(project, "c", 0.7, lr=0.01, seed=2, layers=12)
    result = best(project.repo, metric="accuracy")
    assert result.params == ("lr", "seed")
    assert [dict(version.params) for version in result.versions] == [
        {"lr": 0.1, "seed": 1}, {"lr": 0.01, "seed": 1}, {"lr": 0.01, "seed": 2}
    ]  # fmt: skip
    assert best(project.repo, metric="accuracy", limit=2).params == ("lr",)
    assert best(project.repo, metric="accuracy", limit=1).params == ()


def test_every_branch_takes_part_and_none_that_is_deleted(project: Project) -> None:
    run(project, "on main", 0.5)
    project.switch("topic", create=True)
    run(project, "on topic", 0.9)
    project.switch("main")
    assert summaries(best(project.repo, metric="accuracy")) == ["on topic", "on main"]
    delete_branch(project.repo, act=project.act(), name="topic", force=True)
    assert summaries(best(project.repo, metric="accuracy")) == ["on main"]


def test_an_unknown_metric_is_refused_with_the_nearest_name(project: Project) -> None:
    with pytest.raises(NotFoundError, match="no version has a metric 'x'") as caught:
        best(project.repo, metric="x")
    assert caught.value.hint == "'mh commit --metric NAME=VALUE' records one"
    run(project, "a", 0.5)
    for metric, hint in (("acuracy", "did you mean 'accuracy'?"), ("x", "the metrics here: accuracy, loss")):
        with pytest.raises(NotFoundError) as caught:
            best(project.repo, metric=metric)
        assert caught.value.hint == hint
