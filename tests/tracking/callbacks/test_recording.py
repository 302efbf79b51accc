"""Tests of the run of a callback."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from contracts.project import Project

import modelhub as mh
from modelhub.errors import StateError
from modelhub.repository.objects import Run
from modelhub.tracking.callbacks.recording import Recording

Recorded = Callable[[], list[Run]]


def test_params_that_a_person_gave_stand_before_those_of_the_framework(project: Project, recorded: Recorded) -> None:
    recording = Recording("a", {"params": {"lr": 0.5}})
    recording.begin()
    recording.params({"seed": 1}, weak=True)
    recording.params({"lr": 0.1, "layers": 2, "seed": 2})
    recording.params({"layers": 3, "width": 4}, weak=True)
    recording.end("finished")
    assert recorded()[0].params == {"lr": 0.5, "seed": 2, "layers": 2, "width": 4}


def test_an_error_is_told_once_for_each_thing_that_is_lost(project: Project) -> None:
    recording = Recording(None, {})
    with pytest.warns(RuntimeWarning, match="modelhub: the plot cannot be recorded: ValueError: no; the training"):
        _fail(recording, "the plot", ValueError("no"))
    _fail(recording, "the plot", ValueError("again"))
    with pytest.warns(RuntimeWarning, match="the map cannot be recorded: the disk is full"):
        _fail(recording, "the map", StateError("the disk is full"))


def test_the_interruption_of_the_program_passes(project: Project) -> None:
    with pytest.raises(KeyboardInterrupt):
        _fail(Recording(None, {}), "the plot", KeyboardInterrupt())


def test_a_run_that_ended_takes_nothing_more_and_the_next_begins_anew(project: Project, recorded: Recorded) -> None:
    recording = Recording("a", {})
    recording.begin()
    first = recording.run
    recording.end("failed")
    recording.log(0, {"loss": 1.0})
    recording.end("finished")
    recording.begin()
    assert recording.run is not first
    recording.end("finished")
    assert [run.status for run in recorded()] == ["failed", "finished"]


def test_of_a_run_that_cannot_begin_nothing_else_is_told(project: Project) -> None:
    recording = Recording(None, {})
    shutil.rmtree(".mh")
    with pytest.warns(RuntimeWarning, match="the run cannot be recorded") as caught:
        _live_through(recording)
    assert len(caught) == 1


def test_a_given_run_goes_on_after_its_end(project: Project, recorded: Recorded) -> None:
    with mh.run() as run:
        recording = Recording(run, {})
        recording.begin()
        recording.end("failed")
        assert recording.is_going
    assert recorded()[0].status == "finished"


def _fail(recording: Recording, what: str, error: BaseException) -> None:
    with recording.safely(what):
        raise error


def _live_through(recording: Recording) -> None:
    recording.begin()
    recording.params({"lr": 0.1})
    recording.log(0, {"loss": 1.0})
    recording.end("finished")
