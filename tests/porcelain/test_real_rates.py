"""Plans reckon with what reading takes, not with the best that a codec can do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contracts.project import Project, safetensors

from modelhub.errors import IntegrityError
from modelhub.porcelain.real_rates import MOST_TIMES, at_real_rates
from modelhub.porcelain.storage_ways import ways_to_keep
from modelhub.porcelain.stored_tensors import stored_tensors
from modelhub.progress import SILENT


def save_a_line(project: Project, count: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((64, 100)).astype(np.float32)
    for step in range(count):
        values = values + (rng.standard_normal(values.shape) * 1e-4).astype(np.float32)
        project.write("model.safetensors", safetensors({"w": values}))
        project.commit(f"step {step}")


def test_all_ways_become_slower_by_the_same_share_and_nothing_else_changes(project: Project) -> None:
    save_a_line(project, 3)
    known = stored_tensors(project.repo)
    ways = ways_to_keep(project.repo, known, frozenset(), SILENT)
    found = at_real_rates(project.repo, known, ways)
    (share,) = {round(now.seconds / before.seconds, 9) for before, now in zip(ways, found, strict=True)}
    assert 1.0 <= share <= MOST_TIMES
    assert [replace(way, seconds=0.0) for way in found] == [replace(way, seconds=0.0) for way in ways]


def test_rates_that_promise_what_no_machine_can_are_corrected_as_far_as_allowed(project: Project) -> None:
    save_a_line(project, 2)
    known = stored_tensors(project.repo)
    hopeful = [replace(way, seconds=1e-12) for way in ways_to_keep(project.repo, known, frozenset(), SILENT)]
    assert {way.seconds for way in at_real_rates(project.repo, known, hopeful)} == {MOST_TIMES * 1e-12}


def test_rates_that_are_too_careful_stay(project: Project) -> None:
    save_a_line(project, 2)
    known = stored_tensors(project.repo)
    careful = [replace(way, seconds=1e6) for way in ways_to_keep(project.repo, known, frozenset(), SILENT)]
    assert at_real_rates(project.repo, known, careful) == careful


def test_without_versions_there_is_nothing_to_read(project: Project) -> None:
    assert at_real_rates(project.repo, stored_tensors(project.repo), []) == []


def test_damage_is_said_and_not_planned_with(project: Project) -> None:
    save_a_line(project, 2)
    known = stored_tensors(project.repo)
    ways = ways_to_keep(project.repo, known, frozenset(), SILENT)
    for path in project.repo.layout.objects.rglob("*"):
        if path.is_file() and path.suffix != ".idx":
            data = bytearray(path.read_bytes())
            for at in range(100, len(data) // 2):
                data[at] ^= 0xFF
            path.chmod(0o644)
            path.write_bytes(data)
    project.repo.store.packs.let_go()
    with pytest.raises(IntegrityError):
        at_real_rates(project.repo, known, ways)
