from __future__ import annotations

import math

import pytest
from contracts.logged_run import begin, finished
from contracts.project import START_MS, Project

from modelhub.errors import NotFoundError, StateError
from modelhub.porcelain.best import BestResult, best, best_runs
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


@pytest.fixture
def on_two_sets(project: Project) -> Project:
    """Two versions measured on one file, one on another, one that does not say."""
    for name in ("one", "two"):
        project.write(f"{name}.csv", name)
    project.commit("data")
    for accuracy, data in ((0.5, "one.csv"), (0.6, "one.csv"), (0.9, "two.csv"), (0.7, "")):
        project.commit(f"on {data}", allow_empty=True, metrics={"accuracy": accuracy}, data=data)
    return project


def test_what_was_measured_on_different_data_is_not_ranked(on_two_sets: Project) -> None:
    with pytest.raises(StateError, match="2 different data sets") as caught:
        best(on_two_sets.repo, metric="accuracy")
    assert "one.csv" in caught.value.message
    assert "two.csv" in caught.value.message
    assert "--across-data" in (caught.value.hint or "")


def test_it_is_ranked_when_asked_for_or_on_one_of_them(on_two_sets: Project) -> None:
    found = best(on_two_sets.repo, metric="accuracy", across_data=True)
    assert [version.data and version.data.path for version in found.versions] == ["two.csv", None, "one.csv", "one.csv"]
    one = found.versions[2].data
    assert one is not None
    for data in ("one.csv", one.oid, one.oid[:12]):
        result = best(on_two_sets.repo, metric="accuracy", data=data)
        assert (summaries(result), result.measured) == (["on one.csv"] * 2, 2)
    with pytest.raises(NotFoundError, match="nowhere measured on"):
        best(on_two_sets.repo, metric="accuracy", data="three.csv")


def test_a_path_whose_content_changed_is_two_data_sets(project: Project) -> None:
    for content in ("1", "2"):
        project.write("test set.csv", content)
        project.commit(content, metrics={"accuracy": 0.5}, data="test set.csv")
    with pytest.raises(StateError, match="2 different data sets") as caught:
        best(project.repo, metric="accuracy")
    named = (caught.value.hint or "").split()[1]
    assert len(best(project.repo, metric="accuracy", data=named).versions) == 1
    with pytest.raises(StateError, match="was 2 different data sets") as caught:
        best(project.repo, metric="accuracy", data="test set.csv")
    assert f"--data {named}" in (caught.value.hint or "")


def test_the_hint_names_a_path_that_stands_for_one_data_set(on_two_sets: Project) -> None:
    with pytest.raises(StateError) as caught:
        best(on_two_sets.repo, metric="accuracy")
    assert (caught.value.hint or "").startswith("--data one.csv ")


def test_a_metric_that_only_the_other_kind_has_is_said_to_be_there(project: Project) -> None:
    run(project, "measured", 0.5)
    finished(project.repo.layout)
    with pytest.raises(NotFoundError) as caught:
        best(project.repo, metric="lr")
    assert "--runs" in (caught.value.hint or "")
    with pytest.raises(NotFoundError) as caught:
        best_runs(project.repo, metric="accuracy")
    assert "without --runs" in (caught.value.hint or "")


def test_runs_are_ranked_by_their_best_point_and_their_goal(project: Project) -> None:
    project.commit("start", allow_empty=True)
    finished(project.repo.layout, "00000000000000a1", points=3, params={"lr": 0.1, "seed": 1})
    taken = project.commit("more").commit
    live = begin(project.repo.layout, "00000000000000b2", params={"lr": 0.2, "seed": 1})
    for step, loss in enumerate([9.0, 0.1, 5.0]):
        live.points(step, START_MS, {"loss": loss})
    found = best_runs(project.repo, metric="loss")
    assert (found.lowest, found.measured, found.params) == (True, 2, ("lr",))
    assert [(run.run, run.value, run.step, run.commit) for run in found.runs] == [
        ("00000000000000b2", 0.1, 1, None), ("00000000000000a1", 1 / 3, 2, taken)
    ]  # fmt: skip
    assert [run.value for run in best_runs(project.repo, metric="loss", lowest=False).runs] == [9.0, 1.0]
    with pytest.raises(NotFoundError, match="no run has a metric 'los'"):
        best_runs(project.repo, metric="los")
    live.close()


def test_replays_are_no_results_of_their_own(project: Project) -> None:
    finished(project.repo.layout, "00000000000000a1", name="first")
    finished(project.repo.layout, "00000000000000a2", name="again", replays="00000000000000a1")
    found = best_runs(project.repo, metric="loss")
    assert ([item.name for item in found.runs], found.measured, found.data) == (["first"], 1, ((None, 1),))
    found = best_runs(project.repo, metric="loss", replays=True)
    assert (sorted(item.name for item in found.runs), found.measured) == (["again", "first"], 2)


def test_a_metric_that_only_replays_have_is_said(project: Project) -> None:
    finished(project.repo.layout, "00000000000000a2", replays="00000000000000a1")
    with pytest.raises(NotFoundError) as caught:
        best_runs(project.repo, metric="loss")
    assert caught.value.hint == "only replays have it: --replays ranks them too"
