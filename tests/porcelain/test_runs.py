"""Tests of listing runs."""

from __future__ import annotations

import pytest
from contracts.logged_run import finished
from contracts.project import Project

import modelhub
from modelhub.porcelain.runs import runs


@pytest.fixture
def trained(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three runs: one in a version, one that failed, one that goes on."""
    monkeypatch.chdir(project.root)
    with modelhub.run("taken", goals={"score": "min"}) as run:
        for value in (3.0, 1.0, 2.0):
            run.log(score=value, broken=float("nan"))
    project.commit("take it in", allow_empty=True)
    modelhub.run("failed").finish("failed")
    modelhub.run("going")
    return project


def test_runs_are_listed_newest_first_wherever_they_are(trained: Project) -> None:
    found = runs(trained.repo).runs
    assert [(run.name, run.status, run.commit is None) for run in found] == [
        ("going", "running", True), ("failed", "failed", True), ("taken", "finished", False)
    ]  # fmt: skip
    assert (found[0].ended, found[0].duration_s) == (None, None)
    values = found[2].metrics
    assert (values["score"].last, values["score"].best, values["score"].goal) == (2.0, 1.0, "min")
    assert (values["broken"].last, values["broken"].best) == (None, None)
    assert found[2].points == 6


def test_runs_are_chosen_by_status_number_and_whether_they_wait(trained: Project) -> None:
    assert [run.name for run in runs(trained.repo, status="failed").runs] == ["failed"]
    assert [run.name for run in runs(trained.repo, pending=True).runs] == ["going", "failed"]
    one = runs(trained.repo, limit=1)
    assert ([run.name for run in one.runs], one.more) == (["going"], True)
    assert not runs(trained.repo, limit=3).more


def test_without_runs_the_list_is_empty(project: Project) -> None:
    assert runs(project.repo).runs == ()


def test_replays_are_listed_on_request_and_counted_otherwise(project: Project) -> None:
    finished(project.repo.layout, "00000000000000a1", name="first")
    finished(project.repo.layout, "00000000000000a2", name="again", replays="00000000000000a1")
    found = runs(project.repo)
    assert ([run.name for run in found.runs], found.replays) == (["first"], 1)
    assert runs(project.repo, pending=True, status="failed").replays == 0
    found = runs(project.repo, replays=True)
    assert (sorted(run.name for run in found.runs), found.replays) == (["again", "first"], 0)
