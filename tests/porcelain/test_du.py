from __future__ import annotations

import numpy as np
from contracts.logged_run import begin
from contracts.project import Project, safetensors, weights

from modelhub.porcelain.du import du
from modelhub.porcelain.forgetting import mark_forgotten
from modelhub.porcelain.gc import gc
from modelhub.runs.notes import End


def test_the_sums_add_up(project: Project) -> None:
    base = weights(1, 200, 200)
    project.save("m.safetensors", safetensors({"w": base}))
    project.write("copy.safetensors", project.read("m.safetensors"))
    project.write("m.safetensors", safetensors({"w": base + weights(2, 200, 200) * base.dtype.type(0.001)}))
    project.commit()
    project.save("large.bin", weights(3, 400_000).tobytes())
    found = du(project.repo)
    assert found.raw_nbytes == sum(
        len(content) for version in found.versions for _, content in project.files_of(version.commit).values()
    )
    assert found.raw_nbytes - found.saved_by_sharing == found.unique_nbytes
    live = found.unique_nbytes - found.saved_by_deltas - found.saved_by_compression + found.overhead_nbytes
    live += found.runs_nbytes + found.bases_nbytes
    assert live + found.unreachable_nbytes == found.stored_nbytes
    assert found.saved_by_sharing >= 160_000
    assert found.saved_by_deltas > 0
    assert found.deltas == 1


def test_bases_that_no_version_has_any_more_are_a_part_of_their_own(project: Project) -> None:
    base = weights(1, 200, 200)
    first = project.save("m.safetensors", safetensors({"w": base}))
    tuned = safetensors({"w": base + weights(2, 200, 200) * base.dtype.type(0.001)})
    project.save("m.safetensors", tuned)
    with project.repo.writing():
        mark_forgotten(project.repo, project.act("keep"), [first])
    gc(project.repo, act=project.act("gc"), grace_days=0)
    project.repo = project.again()
    found = du(project.repo)
    assert [version.forgotten for version in found.versions] == [False, True]
    assert found.raw_nbytes == len(tuned)
    assert found.bases_nbytes > 100_000
    assert found.unreachable_nbytes == 0
    live = found.unique_nbytes - found.saved_by_deltas - found.saved_by_compression + found.overhead_nbytes
    assert live + found.bases_nbytes + found.runs_nbytes == found.stored_nbytes


def test_what_only_a_version_holds_is_told(project: Project) -> None:
    shared = safetensors({"w": weights(1, 100, 100)})
    project.write("shared.safetensors", shared)
    project.write("own.safetensors", safetensors({"w": weights(2, 100, 100)}))
    project.commit("first")
    project.remove("own.safetensors")
    project.commit("second")
    second, first = du(project.repo).versions
    assert first.only_here_nbytes > 20_000
    assert second.only_here_nbytes < 2_000
    assert (second.new_nbytes, second.raw_nbytes) == (0, len(shared))


def test_what_a_run_holds_is_counted_apart_before_and_after_it_is_taken_in(project: Project) -> None:
    project.save("m.safetensors", safetensors({"w": weights(1, 100, 100)}))
    before = du(project.repo)
    run = begin(project.repo.layout, tree=project.repo.commit_tree(project.repo.head_commit()))
    for step in range(3000):
        run.points(step, step, {"loss": float(np.sqrt(step))})
    run.note(End(5000, "finished", 0))
    run.close()
    assert du(project.repo).unreachable_nbytes == before.unreachable_nbytes == 0
    project.commit()
    after = du(project.repo)
    assert after.unreachable_nbytes == 0
    assert after.runs_nbytes > before.runs_nbytes + 3000
    assert after.unique_nbytes == before.unique_nbytes


def test_a_new_repository_holds_nothing(project: Project) -> None:
    found = du(project.repo)
    assert (found.raw_nbytes, found.unique_nbytes, found.versions) == (0, 0, ())
