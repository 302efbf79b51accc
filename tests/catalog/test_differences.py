from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from contracts.answers import all_answers, forget_catalog
from contracts.project import Project, safetensors, weights

from modelhub.catalog.differences import fill_differences
from modelhub.porcelain.query import query


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def moved(project: Project) -> dict[str, float | None]:
    return dict(query(project.repo, sql="select name, relative from tensor_changes").rows())  # type: ignore[arg-type]


def test_a_query_of_changes_measures_what_is_not_measured_yet(project: Project) -> None:
    base = weights(1, 50, 50)
    project.save("m.safetensors", safetensors({"w": base, "same": base}))
    project.save("m.safetensors", safetensors({"w": base * np.float32(1.5), "same": base}))
    found = moved(project)
    assert found.keys() == {"w"}
    assert math.isclose(found["w"] or 0, 0.5, rel_tol=1e-6)


def test_measured_again_it_is_the_same(project: Project) -> None:
    for seed in range(4):
        project.save("m.safetensors", safetensors({"w": weights(seed, 50, 50), "n": weights(seed + 9, 5)}))
    before = all_answers(project.repo)["tensor_changes"]
    assert len(before) == 6
    fill_differences(project.repo)
    assert all_answers(project.repo)["tensor_changes"] == before
    forget_catalog(project.repo)
    assert all_answers(project.repo)["tensor_changes"] == before


def test_a_change_of_shape_has_no_number_and_stops_nothing(project: Project) -> None:
    project.save("m.safetensors", safetensors({"w": weights(1, 50, 50), "b": weights(1, 5)}))
    project.save("m.safetensors", safetensors({"w": weights(1, 50, 49), "b": weights(2, 5)}))
    assert moved(project)["b"] is not None


def test_new_nans_are_counted(project: Project) -> None:
    base = weights(1, 50, 50)
    project.save("m.safetensors", safetensors({"w": base}))
    base[0, :3] = np.nan
    project.save("m.safetensors", safetensors({"w": base}))
    assert list(query(project.repo, sql="select new_nans from tensor_changes").rows()) == [(3,)]


def test_a_catalog_replaced_meanwhile_is_not_written_to(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelhub.catalog import differences
    from modelhub.catalog.ingest import check_catalog, rebuild

    project.save("m.safetensors", safetensors({"w": weights(1, 50, 50)}))
    project.save("m.safetensors", safetensors({"w": weights(2, 50, 50)}))
    compared = differences._compared

    def slow(*arguments: object) -> object:
        for found in compared(*arguments):  # type: ignore[arg-type]
            with project.again().writing():
                rebuild(project.again())
            yield found

    monkeypatch.setattr(differences, "_compared", slow)
    fill_differences(project.repo)
    monkeypatch.undo()
    assert check_catalog(project.repo) is None
    assert moved(project)["w"] is not None
