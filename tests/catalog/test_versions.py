from __future__ import annotations

import math
from pathlib import Path

from contracts.project import Project

from modelhub.catalog.opening import open_current
from modelhub.catalog.versions import count_measured, metric_names, ranked, read_version


def measured(tmp_path: Path, *values: float) -> tuple[Project, list[str]]:
    project = Project(tmp_path / "project")
    return project, [project.commit(allow_empty=True, metrics={"m": value}).commit for value in values]


def test_a_version_has_its_facts_with_their_types(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    params = {"lr": 0.1, "layers": 12, "optimizer": "adam", "digits": "007", "amp": True, "none": None}
    commit = project.commit("one\n\nmore", allow_empty=True, params=params, metrics={"z": math.nan, "a": 1}).commit
    with open_current(project.repo) as connection:
        found = read_version(connection, commit)
        assert metric_names(connection) == ["a", "z"]
    assert (found.commit, found.summary, found.params) == (commit, "one", params)
    assert list(found.metrics) == ["a", "z"]
    assert math.isnan(found.metrics["z"])


def test_equal_ones_are_ranked_by_age_and_nan_is_last_either_way(tmp_path: Path) -> None:
    project, made = measured(tmp_path, 0.5, math.nan, 0.5, -math.inf, math.inf)
    with open_current(project.repo) as connection:
        highest = [oid for oid, _ in ranked(connection, "m", lowest=False, limit=9)]
        lowest = [oid for oid, _ in ranked(connection, "m", lowest=True, limit=9)]
        assert count_measured(connection, "m") == 5
        assert [oid for oid, _ in ranked(connection, "m", lowest=True, limit=1)] == lowest[:1]
        assert ranked(connection, "absent", lowest=True, limit=1) == []
    assert [made.index(commit) for commit in highest] == [4, 2, 0, 3, 1]
    assert [made.index(commit) for commit in lowest] == [3, 2, 0, 4, 1]
