"""A cast and a transpose of what is stored, whatever their names and files, cost next to nothing at commit."""

from __future__ import annotations

from collections.abc import Mapping

import ml_dtypes
import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.porcelain.load import LoadedFile
from modelhub.porcelain.places import find_file

KINDS = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def as_file(tensors: Mapping[str, np.ndarray], kind: str) -> bytes:
    return safetensors({name: values.astype(KINDS[kind]) for name, values in tensors.items()})


def network(seed: int = 1) -> dict[str, np.ndarray]:
    return {"in": weights(seed, 150, 120), "out": weights(seed + 1, 60, 150), "norm": weights(seed + 2, 2400)}


def grown_by(project: Project, path: str, content: bytes) -> int:
    """Record a file and return by how many bytes the blobs in the store grew."""
    before = blob_nbytes(project)
    project.save(path, content, path)
    return blob_nbytes(project) - before


def blob_nbytes(project: Project) -> int:
    infos = map(project.repo.store.info, project.repo.store.ids())
    return sum(info.stored_nbytes for info in infos if info.kind == "blob")


@pytest.mark.parametrize(
    ("first", "second"),
    [("float32", "bfloat16"), ("float32", "float16"), ("float64", "float32"), ("float64", "bfloat16")],
)
def test_a_renamed_cast_costs_nothing(project: Project, first: str, second: str) -> None:
    stored = network()
    project.save("model.safetensors", as_file(stored, first))
    cast = as_file({f"model.{name}": values for name, values in stored.items()}, second)
    assert grown_by(project, "small/copy.safetensors", cast) < 1000
    assert project.files_of(project.repo.refs.head_commit)["small/copy.safetensors"][1] == cast
    project.assert_sound()


def test_what_was_widened_costs_nothing(project: Project) -> None:
    small = {name: values.astype(ml_dtypes.bfloat16) for name, values in network().items()}
    project.save("small.safetensors", safetensors(small))
    assert grown_by(project, "wide.safetensors", as_file(small, "float32")) < 1000


def test_a_cast_is_found_where_an_older_copy_of_the_same_kind_is_there(project: Project) -> None:
    """Each version has the weights and a rounded copy of them."""
    for step in range(2):
        values = {name: part + np.float32(step) * weights(9, *part.shape) * 1e-2 for name, part in network().items()}
        project.save("a.safetensors", as_file(values, "float32"))
        assert grown_by(project, "b.safetensors", as_file(values, "bfloat16")) < 1000


def test_a_cast_within_one_commit_costs_nothing(project: Project) -> None:
    values = network()
    project.write("a.safetensors", as_file(values, "float32"))
    project.commit()
    alone = blob_nbytes(project)
    project.write("b.safetensors", as_file(network(30), "float32"))
    project.write("c.safetensors", as_file(network(30), "bfloat16"))
    project.commit()
    assert blob_nbytes(project) < 2.05 * alone


def test_renamed_transposes_cost_nothing_also_when_they_moved_a_little(project: Project) -> None:
    stored = network()
    project.save("model.safetensors", as_file(stored, "float32"))
    turned = {f"t.{name}": np.ascontiguousarray(values.T) for name, values in stored.items()}
    assert grown_by(project, "turned.safetensors", safetensors(turned)) < 1200
    moved = {name: values + weights(77, *values.shape) * np.float32(1e-3) for name, values in turned.items()}
    alone = 0.8 * sum(values.nbytes for values in moved.values())
    project.remove("turned.safetensors")
    project.commit("without")
    assert grown_by(project, "moved.safetensors", safetensors(moved)) < 0.7 * alone
    project.assert_sound()


def test_the_same_number_of_values_is_no_transpose(project: Project) -> None:
    project.save("model.safetensors", safetensors({"w": weights(1, 150, 120)}))
    other = safetensors({"w": weights(5, 120, 150)})
    project.save("other.safetensors", other)
    oid = max(project.repo.store.ids(), key=lambda one: project.repo.store.info(one).size)
    assert project.repo.store.info(oid).bases == ()


def test_constants_are_no_casts_of_each_other(project: Project) -> None:
    project.save("a.safetensors", safetensors({"w": np.zeros((50, 60), np.float32)}))
    project.save("b.safetensors", safetensors({"w": np.zeros((50, 60), np.float16)}))
    infos = map(project.repo.store.info, project.repo.store.ids())
    assert not any(info.bases for info in infos)


def test_slices_of_a_cast_and_of_a_transpose_are_loaded(project: Project) -> None:
    stored = network()
    project.save("model.safetensors", as_file(stored, "float32"))
    project.save("cast.safetensors", as_file(stored, "float16"))
    project.save("turned.safetensors", safetensors({"in": np.ascontiguousarray(stored["in"].T)}))
    cast = LoadedFile(project.repo, find_file(project.repo, "HEAD:cast.safetensors"))
    turned = LoadedFile(project.repo, find_file(project.repo, "HEAD:turned.safetensors"))
    assert np.array_equal(cast["out"], stored["out"].astype(np.float16))
    assert np.array_equal(turned["in"], stored["in"].T)


def test_what_casts_and_transposes_rest_on_survives_gc(project: Project) -> None:
    from modelhub.porcelain.gc import gc

    stored = network()
    project.save("model.safetensors", as_file(stored, "float32"))
    cast = as_file(stored, "bfloat16")
    turned = safetensors({"in": np.ascontiguousarray(stored["in"].T)})
    project.write("cast.safetensors", cast)
    project.write("turned.safetensors", turned)
    project.remove("model.safetensors")
    kept = project.commit("only copies").commit
    gc(project.repo, act=project.act("gc"), grace_days=0)
    files = project.files_of(kept)
    assert files["cast.safetensors"][1] == cast
    assert files["turned.safetensors"][1] == turned
    project.assert_sound()
