from __future__ import annotations

import numpy as np
from contracts.answers import forget_catalog
from contracts.project import Project, safetensors, weights

from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.ls import list_tensors
from modelhub.store.object_info import ObjectInfo


def tuned(base: np.ndarray, seed: int = 50, step: float = 0.001) -> np.ndarray:
    return base + weights(seed, *base.shape) * np.float32(step)


def stored(project: Project, place: str) -> ObjectInfo:
    return project.repo.store.info(list_tensors(project.repo, place=place)[0].oid)


def test_the_base_is_the_same_tensor_of_the_parent(project: Project) -> None:
    base = weights(1, 120, 120)
    project.save("m.safetensors", safetensors({"w": base, "other": weights(9, 120, 120)}))
    project.save("m.safetensors", safetensors({"w": tuned(base), "other": weights(9, 120, 120)}))
    assert stored(project, "HEAD:m.safetensors").base == stored(project, "HEAD~1:m.safetensors").oid


def test_the_base_of_a_renamed_checkpoint_is_found_by_likeness(project: Project) -> None:
    base = weights(1, 120, 120)
    project.save("step-1.safetensors", safetensors({"w": base}))
    for number in range(3):
        project.save(f"other-{number}.safetensors", safetensors({"w": weights(60 + number, 120, 120)}))
    project.save("step-2.safetensors", safetensors({"renamed": tuned(base)}))
    assert stored(project, "HEAD:step-2.safetensors").base == stored(project, "HEAD:step-1.safetensors").oid
    assert stored(project, "HEAD:other-0.safetensors").base is None


def test_the_base_is_found_within_one_commit(project: Project) -> None:
    base = weights(1, 120, 120)
    for number in range(4):
        content = safetensors({"w": base if not number else tuned(base, 70 + number)})
        project.write(f"step-{number}.safetensors", content)
    done = project.commit("all at once")
    bases = [stored(project, f"HEAD:step-{number}.safetensors").base for number in range(4)]
    assert bases[0] is None
    assert None not in bases[1:]
    assert done.stored_nbytes < done.raw_nbytes * 0.75
    project.assert_sound()


def test_the_base_is_found_among_what_was_staged_before_the_first_commit(project: Project) -> None:
    base = weights(1, 120, 120)
    project.write("step-1.safetensors", safetensors({"w": base}))
    project.add()
    project.write("step-2.safetensors", safetensors({"w": tuned(base)}))
    project.add()
    project.commit()
    assert stored(project, "HEAD:step-2.safetensors").base is not None


def test_the_base_is_found_after_the_catalog_was_lost(project: Project) -> None:
    base = weights(1, 120, 120)
    project.save("step-1.safetensors", safetensors({"w": base}))
    forget_catalog(project.repo)
    project.save("step-2.safetensors", safetensors({"w": tuned(base)}))
    assert stored(project, "HEAD:step-2.safetensors").base is not None


def test_a_declared_parent_is_a_base_too(project: Project) -> None:
    base = weights(1, 120, 120)
    first = project.save("base.safetensors", safetensors({"w": base}))
    project.remove("base.safetensors")
    project.write("tuned.safetensors", safetensors({"w": tuned(base)}))
    project.commit(derive=(DeriveSpec(first),))
    assert stored(project, "HEAD:tuned.safetensors").base == stored(project, f"{first}:base.safetensors").oid


def test_another_shape_and_changed_values_of_another_dtype_are_no_base(project: Project) -> None:
    base = weights(1, 120, 120)
    project.save("m.safetensors", safetensors({"w": base}))
    project.save("m.safetensors", safetensors({"w": tuned(base).astype("float64")}))
    assert stored(project, "HEAD:m.safetensors").base is None
    project.save("m.safetensors", safetensors({"w": base[:-1]}))
    assert stored(project, "HEAD:m.safetensors").base is None


def test_a_long_line_of_versions_stays_readable(project: Project) -> None:
    array = weights(1, 60, 60)
    contents = {}
    for number in range(20):
        array = tuned(array, 100 + number)
        content = safetensors({"w": array})
        contents[project.save("m.safetensors", content)] = content
    for commit, content in contents.items():
        assert project.files_of(commit)["m.safetensors"][1] == content
    project.assert_sound()
