"""Curves come from runs, from the runs of versions, or from the history."""

import math

import pytest
from contracts.logged_run import finished

import modelhub as mh
from modelhub.errors import NotFoundError
from modelhub.porcelain.curves import curves
from modelhub.repository.repository import Repository


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Two finished runs in two versions, and an interrupted one that waits for a version."""
    monkeypatch.chdir(tmp_path)
    repo = mh.init()
    for number, rate in enumerate((0.1, 0.01)):
        with mh.run(f"rate {rate}", params={"lr": rate, "seed": 1}) as run:
            for step in range(10):
                run.log(step * 10, loss=1 / (1 + rate * step), epoch=step / 5)
        (tmp_path / "note.txt").write_text(str(number))
        made = repo.commit(f"version {number}", metrics={"score": 0.5 + number})
        if number == 0:
            first = made.commit
    with pytest.raises(KeyboardInterrupt), mh.run("third", params={"lr": 0.5, "seed": 1}) as run:
        run.log(0, loss=2.0)
        run.log(10, loss=math.nan)
        run.log(20, loss=1.0)
        raise KeyboardInterrupt
    return Repository.find(tmp_path), first


def test_all_runs_are_drawn_the_oldest_first(trained):
    (panel,) = curves(trained[0], words=["loss"]).panels
    assert [curve.label for curve in panel.curves] == ["rate 0.1  lr=0.1", "rate 0.01  lr=0.01", "third  lr=0.5"]
    assert [curve.status for curve in panel.curves] == ["finished", "finished", "interrupted"]
    assert panel.curves[0].x == tuple(step * 10.0 for step in range(10))
    assert panel.curves[0].y[1] == 1 / 1.1
    assert math.isnan(panel.curves[2].y[1])


def test_a_version_stands_for_the_runs_it_took_in(trained):
    repo, first = trained
    (panel,) = curves(repo, words=["loss", first]).panels
    assert [curve.label for curve in panel.curves] == ["rate 0.1"]
    (panel,) = curves(repo, words=["loss", "third", "rate 0.1"]).panels
    assert [curve.label.split("  ")[0] for curve in panel.curves] == ["third", "rate 0.1"]


def test_another_metric_may_be_the_axis(trained):
    (panel,) = curves(trained[0], words=["loss", "HEAD"], x="epoch").panels
    assert panel.x_label == "epoch"
    assert panel.curves[0].x == tuple(step / 5 for step in range(10))


def test_time_is_counted_from_the_first_point(trained):
    (panel,) = curves(trained[0], words=["loss", "HEAD"], x="time").panels
    assert panel.x_label == "time since the first point (s)"
    assert panel.curves[0].x[0] == 0


def test_smoothing_keeps_what_was_logged(trained):
    (panel,) = curves(trained[0], words=["loss", "HEAD"], smooth=3).panels
    curve = panel.curves[0]
    assert curve.raw[0] == 1.0
    assert curve.y[0] == (curve.raw[0] + curve.raw[1]) / 2


def test_what_only_versions_have_is_drawn_along_the_history(trained):
    loss, score = curves(trained[0], words=["loss", "score"]).panels
    assert len(loss.curves) == 3
    assert score.curves[0].y == (0.5, 1.5)
    assert score.ticks[0] == trained[1][:10]


def test_more_curves_than_fit_are_counted(trained):
    result = curves(trained[0], words=["loss"], limit=2)
    assert result.left_out == 1
    assert [curve.label.split("  ")[0] for curve in result.panels[0].curves] == ["rate 0.01", "third"]


def test_a_word_that_names_nothing_is_answered(trained):
    with pytest.raises(NotFoundError) as caught:
        curves(trained[0], words=["los"])
    assert "did you mean 'loss'" in caught.value.hint
    with pytest.raises(NotFoundError, match="'nope' is no metric, no run and no version"):
        curves(trained[0], words=["loss", "nope"])


def test_replays_are_drawn_where_they_are_named_or_asked_for(trained):
    repo, _ = trained
    finished(repo.layout, "00000000000000a2", name="again", replays="00000000000000a1")
    assert "again" not in str(curves(repo, words=["loss"]))
    assert [curve.run for curve in curves(repo, words=["loss", "again"]).panels[0].curves] == ["00000000000000a2"]
    assert len(curves(repo, words=["loss"], replays=True).panels[0].curves) == 4
    with pytest.raises(NotFoundError, match="only replays have the metric 'lr'"):
        curves(repo, words=["lr"])
