"""Tests of finding a run that no version has taken in."""

from __future__ import annotations

import pytest
from contracts.project import Project

import modelhub as mh
from modelhub.errors import NotFoundError
from modelhub.tracking.finding import find_pending


def test_a_run_is_found_until_a_version_takes_it_in(project: Project) -> None:
    with mh.run("one") as run:
        assert find_pending(project.repo, run.id).name == "one"
    assert find_pending(project.repo, run.id).status == "finished"
    project.commit("take it in", allow_empty=True)
    with pytest.raises(NotFoundError):
        find_pending(project.repo, run.id)
