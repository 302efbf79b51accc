"""Repacking finds what commits could not: renamed, turned and cast tensors, in whatever order they came."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.porcelain.repack import RepackResult, repack
from modelhub.porcelain.stored_tensors import stored_tensors

SHAPES = {"embed": (300, 90), "hidden": (90, 160), "out": (160, 70)}


def network(seed: int = 1, scale: float = 1.0) -> dict[str, np.ndarray]:
    parts = enumerate(SHAPES.items())
    return {name: weights(seed * 10 + number, *shape) * np.float32(scale) for number, (name, shape) in parts}


def repacked(project: Project) -> RepackResult:
    """Repack, and see that every byte of every version is the same before and after."""
    versions = [oid for _, operation in project.repo.operations() for oid in operation.refs.values()]
    before = {oid: project.files_of(oid) for oid in versions}
    result = repack(project.repo, max_recreation=100.0)
    assert {oid: project.files_of(oid) for oid in versions} == before
    project.assert_sound()
    return result


def bases_of(project: Project) -> dict[str, set[str]]:
    """Return for each place the places of what its tensor builds on."""
    known = stored_tensors(project.repo)
    where = {
        known.tensors[number].oid: f"{path}:{name}" for (path, name), line in known.lines.items() for number in line
    }
    return {where[one.oid]: {where[base] for base in one.info.bases} for one in known.tensors}


def test_renamed_and_turned_copies_that_moved_are_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = network()
    change = network(7, scale=1e-3)
    renamed = {f"model.{name}.w": part + change[name] for name, part in first.items()}
    turned = {f"t.{name}": np.ascontiguousarray(part.T) * np.float32(1.0001) for name, part in renamed.items()}
    with monkeypatch.context() as patch:
        patch.setattr("modelhub.porcelain.recording.NearestTensors.find", lambda *_: [])
        project.save("one.safetensors", safetensors(first))
        project.save("two/other.safetensors", safetensors(renamed))
        project.save("three.safetensors", safetensors(turned))
    assert not any(bases_of(project).values())
    result = repacked(project)
    assert result.after_nbytes < 0.7 * result.before_nbytes
    bases = bases_of(project)
    assert bases["two/other.safetensors:model.embed.w"] == {"one.safetensors:embed"}
    assert all(bases[f"three.safetensors:t.model.{name}.w"] for name in SHAPES)


@pytest.mark.parametrize("wide_first", [True, False])
def test_a_rounded_copy_costs_nothing_whichever_came_first(project: Project, wide_first: bool) -> None:
    values = network()
    files = {
        "full.safetensors": safetensors(values),
        "half.safetensors": safetensors(
            {f"h.{name}": part.astype(ml_dtypes.bfloat16) for name, part in values.items()}
        ),
    }
    for path in files if wide_first else reversed(files):
        project.save(path, files[path])
    repacked(project)
    known = stored_tensors(project.repo)
    halves = [one for one in known.tensors if one.item.kind == "bfloat16"]
    assert len(halves) == len(SHAPES)
    assert all(one.info.stored_nbytes < 300 for one in halves)
    assert {base for name in SHAPES for base in bases_of(project)[f"half.safetensors:h.{name}"]} == {
        f"full.safetensors:{name}" for name in SHAPES
    }


def test_a_rounded_copy_that_the_full_one_builds_on_stays_before_it(project: Project) -> None:
    """What is there now binds: no mixture of old and new copies may come back to itself."""
    values = {name: part.astype(ml_dtypes.bfloat16) for name, part in network().items()}
    project.save("half.safetensors", safetensors(values))
    project.save("full.safetensors", safetensors({name: part.astype(np.float32) for name, part in values.items()}))
    known = stored_tensors(project.repo)
    numbers = {one.oid: one.number for one in known.tensors}
    assert any(one.info.bases for one in known.tensors)
    assert all(numbers[base] < one.number for one in known.tensors for base in one.info.bases)


def test_strangers_are_left_alone(project: Project) -> None:
    project.save("one.safetensors", safetensors(network(1)))
    project.save("two.safetensors", safetensors({f"x.{name}": part for name, part in network(2).items()}))
    repacked(project)
    assert not any(bases_of(project).values())
