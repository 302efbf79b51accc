"""Runs are seen in the views from their first note on, wherever they are: going on, waiting, taken in, given back."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from contracts.answers import all_answers, forget_catalog
from contracts.logged_run import FIRST, GONE, begin, finished
from contracts.project import START_MS, Project, safetensors, weights

from modelhub.catalog.points import Points
from modelhub.catalog.query.sql import LIMIT_ROWS
from modelhub.errors import ModelHubError
from modelhub.porcelain.operations import undo
from modelhub.porcelain.query import query
from modelhub.porcelain.reindex import reindex
from modelhub.repository.objects import CodeState, Derivation, Evaluation, Usage
from modelhub.runs.notes import Derived, End, Evaluated, Goals, Input, Params, Tags

SECOND = "00000000000000b2"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def ask(project: Project, sql: str, limit: int | None = LIMIT_ROWS, **params: object) -> list[tuple[object, ...]]:
    return query(project.again(), sql=sql, params=params, limit=limit).rows()


def entry(project: Project, commit: str, path: str):
    from modelhub.repository.trees import find_entry

    tree = project.repo.commit_tree(commit)
    assert tree is not None
    return find_entry(project.repo, tree, path)


def rich_run(project: Project, commit: str, run_id: str = FIRST) -> None:
    """A run with a note of every kind, that read what a commit has and wrote the model anew."""
    model, data = entry(project, commit, "m.safetensors"), entry(project, commit, "data.csv")
    run = begin(
        project.repo.layout, run_id, command=("python", "train it.py"), head=commit,
        params={"lr": 0.1, "name": "adam", "none": None},
        tree=project.repo.commit_tree(commit), code=CodeState("c0ffee", "main", True),
        environment={"python": "3.11.7", "system": "Linux", "host": "box", "gpus": "2 x L4"},
    )  # fmt: skip
    run.note(Input(Usage("data.csv", data.oid, data.size, source_commit=commit, source_path="data.csv")))
    run.note(
        Input(Usage("m.safetensors", model.oid, model.size, manifest=model.manifest, source_commit=commit,
                    source_path="m.safetensors"))
    )  # fmt: skip
    run.note(Params({"steps": 3}))
    run.note(Tags({"purpose": "test"}))
    run.note(Goals({"score": "min"}))
    run.note(Evaluated("loss", Evaluation(data.oid, "data.csv", code=None)))
    run.note(Derived(Derivation("m.safetensors", "fine-tune", commit, "m.safetensors")))
    for step, loss in enumerate([1.0, 0.1 + 0.2, math.nan, math.inf]):
        run.points(10 * step, START_MS + 1000 * step, {"loss": loss, "score": -float(step)})
    run.note(End(START_MS + 5000, "finished", 0))
    run.close()


@pytest.fixture
def with_base(project: Project) -> str:
    project.write("data.csv", "1,2\n")
    project.write("m.safetensors", safetensors({"a.w": weights(1, 40, 40), "a.b": weights(2, 40)}))
    return project.commit("base").commit


def test_without_runs_all_views_of_them_are_empty(project: Project) -> None:
    project.save("a", "1")
    for view in ("runs", "run_params", "run_metrics", "metric_history", "inputs", "outputs", "commit_runs"):
        assert ask(project, f"select * from {view}") == []


def test_a_run_that_goes_on_is_seen_with_every_point(project: Project) -> None:
    project.save("a", "1")
    run = begin(project.repo.layout)
    assert ask(project, "select run_id, status, commit_id, ended from runs") == [(FIRST, "running", None, None)]
    for step in range(5):
        run.points(step, START_MS + step, {"loss": 1.0 / (step + 1)})
        assert ask(project, "select max(step), min(value) from metric_history") == [(step, 1.0 / (step + 1))]
    assert ask(project, "select points, best, best_step, goal from run_metrics") == [(5, 0.2, 4, "min")]
    run.close()


def test_a_run_whose_process_died_is_interrupted(project: Project) -> None:
    project.save("a", "1")
    run = begin(project.repo.layout, owner=GONE)
    run.points(0, START_MS, {"loss": 1.0})
    run.close()
    import os

    log = project.repo.layout.runs / FIRST / "log"
    os.utime(log, (1, 1))
    assert ask(project, "select status from runs") == [("interrupted",)]


def test_a_run_taken_in_is_in_every_view(project: Project, with_base: str) -> None:
    rich_run(project, with_base)
    before = ask(project, "select * from run_metrics")
    project.write("m.safetensors", safetensors({"a.w": weights(3, 40, 40), "a.b": weights(2, 40)}))
    commit = project.commit("tuned").commit
    assert ask(project, "select * from run_metrics") == before
    assert ask(project, "select run_id, name, status, author, duration_s, command, exit_code, points, git_dirty,"
               " head_id, commit_id, host, python from runs") == [
        (FIRST, "train", "finished", "Ada", 5.0, "python 'train it.py'", 0, 8, 1, with_base, commit, "box", "3.11.7")
    ]  # fmt: skip
    assert ask(project, "select * from commit_runs") == [(commit, FIRST)]
    assert ask(project, "select name, value, number from run_params order by 1") == [
        ("lr", "0.1", 0.1), ("name", "adam", None), ("none", None, None), ("steps", "3", 3.0)
    ]  # fmt: skip
    assert ask(project, "select name, value from run_tags") == [("purpose", "test")]
    assert ask(project, "select name, last, min, min_step, max, best, best_step, goal, nans, data_path from run_metrics"
               " order by 1") == [
        ("loss", math.inf, 0.1 + 0.2, 10, math.inf, 0.1 + 0.2, 10, "min", 1, "data.csv"),
        ("score", -3.0, -3.0, 30, 0.0, -3.0, 30, "min", 0, None),
    ]  # fmt: skip
    history = "select step, time, value from metric_history where name = 'loss' and run_id = :r"
    assert ask(project, history, r=FIRST) == [
        (0, "2023-11-14T22:13:20.000Z", 1.0), (10, "2023-11-14T22:13:21.000Z", 0.1 + 0.2),
        (20, "2023-11-14T22:13:22.000Z", None), (30, "2023-11-14T22:13:23.000Z", math.inf),
    ]  # fmt: skip
    assert ask(project, "select path, source_commit_id from inputs order by 1") == [
        ("data.csv", with_base), ("m.safetensors", with_base)
    ]  # fmt: skip
    assert ask(project, "select gpu from environments where run_id = :r", r=FIRST) == [("2 x L4",)]
    assert ask(project, "select kind from storage s join runs r on r.object_id = s.object_id") == [("run",)]


def test_its_metrics_say_what_they_were_measured_on(project: Project, with_base: str) -> None:
    rich_run(project, with_base)
    project.commit("tuned")
    data = entry(project, with_base, "data.csv").oid
    assert ask(project, "select data_id, data_path from metrics where name = 'loss'") == [(data, "data.csv")]


def test_undone_it_waits_again_and_answers_alike(project: Project, with_base: str) -> None:
    rich_run(project, with_base)
    before = {view: ask(project, f"select * from {view}") for view in ("run_params", "run_metrics", "metric_history")}
    project.commit("tuned")
    undo(project.repo, act=project.act("undo"))
    assert ask(project, "select run_id, commit_id from runs") == [(FIRST, None)]
    assert {view: ask(project, f"select * from {view}") for view in before} == before
    assert ask(project, "select * from commit_runs") == []


def test_a_catalog_made_anew_knows_runs_alike(project: Project, with_base: str) -> None:
    rich_run(project, with_base)
    project.write("m.safetensors", safetensors({"a.w": weights(3, 40, 40), "a.b": weights(2, 40)}))
    project.commit("tuned")
    finished(project.repo.layout, SECOND, points=5)
    before = all_answers(project.repo)
    assert len(before["runs"]) == 2
    assert all(before[view] for view in ("metric_history", "lineage", "lineage_paths", "models", "layers", "packages"))
    forget_catalog(project.repo)
    assert all_answers(project.repo) == before
    reindex(project.repo)
    assert all_answers(project.repo) == before


def test_while_another_writes_a_pending_run_is_seen_from_memory(project: Project) -> None:
    project.save("a", "1")
    all_answers(project.repo)
    old = project.repo.layout.catalog.read_bytes()
    finished(project.repo.layout)
    with project.again().writing():
        assert ask(project, "select run_id from runs") == [(FIRST,)]
        assert len(ask(project, "select * from metric_history")) == 6
        assert project.repo.layout.catalog.read_bytes() == old


def test_a_damaged_pending_run_hides_no_other(project: Project) -> None:
    project.save("a", "1")
    finished(project.repo.layout)
    finished(project.repo.layout, SECOND)
    (project.repo.layout.runs / FIRST / "log").chmod(0o644)
    (project.repo.layout.runs / FIRST / "log").write_bytes(b"nothing")
    assert ask(project, "select run_id from runs") == [(SECOND,)]


def test_points_that_are_damaged_are_told_in_words(project: Project) -> None:
    project.save("a", "1")
    finished(project.repo.layout)
    project.save("a", "2")
    damaged = b"damaged " * 4

    def broken(_repository: object, _oid: str) -> bytes:
        return damaged

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Points, "_decode", lambda self, oid, column: self._repository.store.read("0" * 64))
        with pytest.raises(ModelHubError, match="no object"):
            ask(project, "select sum(value) from metric_history")


def test_a_long_series_is_complete_and_in_order(project: Project) -> None:
    project.save("a", "1")
    run = begin(project.repo.layout)
    for step in range(10_000):
        run.points(step, START_MS + step, {"loss": step / 7, "acc": step / 3})
    run.note(End(START_MS + 10_000, "finished", 0))
    run.close()
    project.save("a", "2")
    found = ask(project, "select step, value from metric_history where name = 'loss'", None)
    assert found == [(step, step / 7) for step in range(10_000)]
    assert ask(project, "select count(*) from metric_history") == [(20_000,)]


def test_columns_are_let_go_of_when_there_are_many(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelhub.catalog.points.MOST_COLUMN_NBYTES", 100)
    project.save("a", "1")
    finished(project.repo.layout, points=50)
    finished(project.repo.layout, SECOND, points=50)
    project.save("a", "2")
    found = ask(project, "select run_id, name, sum(value), count(time) from metric_history group by 1, 2")
    assert [row[3] for row in found] == [50] * 4
