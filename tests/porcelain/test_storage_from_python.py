"""Repacking and keeping from Python do what the commands do, and raise what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from contracts.project import Project, safetensors

import modelhub
from modelhub.errors import InvalidInputError, NotFoundError
from modelhub.porcelain.repack import repack
from modelhub.repository.forgotten import forgotten_versions


def steps(project: Project, count: int = 4) -> list[str]:
    rng = np.random.default_rng(1)
    values, step = (rng.standard_normal((120, 130)).astype(np.float32) * scale for scale in (0.05, 1e-3))
    made = []
    for number in range(count):
        values = values + step
        project.write("m.safetensors", safetensors({"w": values}))
        made.append(project.commit(f"step {number}", metrics={"acc": 0.5 + 0.1 * number}).commit)
    return made


def test_repacking_makes_the_store_smaller(project: Project) -> None:
    made = steps(project)
    before = [project.files_of(commit) for commit in made]
    repo = modelhub.open(project.root)
    planned = repo.repack(max_recreation=float("inf"), dry_run=True)
    done = repo.repack(max_recreation=100)
    assert planned.max_recreation == float("inf")
    assert done.after_nbytes < done.before_nbytes == planned.before_nbytes
    assert {one.solver for one in done.solvers} >= {"current", "PAS-MT"}
    project.repo = project.again()
    assert [project.files_of(commit) for commit in made] == before
    project.assert_sound()


def test_the_result_is_that_of_the_same_call_in_this_process(project: Project) -> None:
    steps(project)
    here = repack(project.repo, max_recreation=100.0, dry_run=True)
    there = modelhub.open(project.root).repack(max_recreation=100.0, dry_run=True)
    assert type(there) is type(here)
    assert (there.tensors, there.before_nbytes, there.versions) == (here.tensors, here.before_nbytes, here.versions)
    assert {type(one) for one in there.solvers} == {type(one) for one in here.solvers}


def test_files_beside_the_model_are_not_run(project: Project) -> None:
    steps(project, 2)
    project.write("numpy.py", "raise SystemExit('run from the folder')")
    project.write("modelhub/__init__.py", "raise SystemExit('run from the folder')")
    assert modelhub.open(project.root).repack(dry_run=True).tensors == 2


def test_errors_of_the_process_are_raised_here(project: Project, tmp_path: Path) -> None:
    repo = modelhub.open(project.root)
    with pytest.raises(InvalidInputError, match="is no bound") as caught:
        repo.repack(max_recreation=0.5)
    assert "--max-recreation" in (caught.value.hint or "")
    project.root.rename(tmp_path / "elsewhere")
    (tmp_path / "project").mkdir()
    with pytest.raises(NotFoundError, match="no modelhub repository"):
        repo.repack()


def test_versions_are_marked_and_lose_the_mark(project: Project) -> None:
    made = steps(project)
    repo = modelhub.open(project.root)
    done = repo.repack(progressive=made[1:3])
    assert done.progressive == tuple(sorted(made[1:3]))
    assert repo.repack(not_progressive=[made[1]], dry_run=True).progressive == (made[2],)
    assert repo.repack(not_progressive=made[1:3]).progressive == ()
    with pytest.raises(NotFoundError):
        repo.repack(progressive=["nowhere"])
    with pytest.raises(InvalidInputError, match="not both"):
        repo.repack(progressive=made[:1], not_progressive=made[1:])
    with pytest.raises(InvalidInputError, match="no list"):
        repo.repack(progressive=made[0])


def test_keeping_forgets_the_others_and_a_dry_run_none(project: Project) -> None:
    made = steps(project)
    repo = modelhub.open(project.root)
    planned = repo.keep("acc", best=1, dry_run=True)
    assert [one.commit for one in planned.forgotten] == made[2::-1]
    assert not forgotten_versions(project.repo)
    assert repo.keep("acc", best=1).marked
    assert forgotten_versions(project.again()).keys() == set(made[:3])


def test_keeping_by_the_lowest_and_among_some(project: Project) -> None:
    made = steps(project)
    repo = modelhub.open(project.root)
    found = repo.keep("acc", best=1, lowest=True, revisions=made[:3], dry_run=True)
    assert [one.commit for one in found.kept] == [made[0]]
    with pytest.raises(InvalidInputError):
        repo.keep("acc", best=0)
