"""Repacking makes a history smaller, gives every byte back, and keeps to its bound."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from contracts.project import Project, safetensors

from modelhub.errors import InvalidInputError
from modelhub.porcelain.cat import cat
from modelhub.porcelain.fsck import fsck
from modelhub.porcelain.repack import parse_bound, repack
from modelhub.porcelain.stored_tensors import stored_tensors
from modelhub.repository.reachable import current_commits
from modelhub.repository.revision import resolve
from modelhub.store.object_store import ObjectStore
from modelhub.store.prune import settle


def save_versions(project: Project, count: int) -> list[bytes]:
    """Commit a small network that moves on in the same direction; return its files."""
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((200, 300)).astype(np.float32) * 0.05
    step = rng.standard_normal(weights.shape).astype(np.float32) * 1e-3
    files = []
    for number in range(count):
        step += rng.standard_normal(weights.shape).astype(np.float32) * 1e-4
        weights = weights + step
        files.append(safetensors({"w": weights, "b": weights[:, 0].copy()}))
        project.save("m.safetensors", files[-1], f"step {number}")
    return files


def save_a_wandering(project: Project, count: int) -> list[bytes]:
    """Commit a network that takes random steps; return its files."""
    return _save_steps(project, count, seed=2, shape=(80, 100), size=1e-3)


def _save_steps(project: Project, count: int, *, seed: int, shape: tuple[int, int], size: float) -> list[bytes]:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(shape).astype(np.float32) * 0.05
    files = []
    for number in range(count):
        weights = weights + rng.standard_normal(shape).astype(np.float32) * size
        files.append(safetensors({"w": weights}))
        project.save("m.safetensors", files[-1], f"step {number}")
    return files


@pytest.fixture
def no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count decoding alone, so that small models come near to bounds that large ones do."""
    monkeypatch.setattr("modelhub.porcelain.storage_plan.DELIVERY_SECONDS", 0.0)
    monkeypatch.setattr("modelhub.porcelain.storage_plan.DELIVERY_SECONDS_A_BYTE", 0.0)


@pytest.fixture
def equal_rates(monkeypatch, no_delivery) -> None:
    """Decoding costs the same with every codec, nothing else costs anything, and a plan need not save anything."""
    monkeypatch.setattr("modelhub.porcelain.repack.WORTH_IT", math.inf)
    monkeypatch.setattr("modelhub.porcelain.storage_ways.rated", lambda _, drafts: {one.codec: 1e-9 for one in drafts})


def contents(project: Project, count: int) -> list[bytes]:
    return [content(project, f"HEAD~{count - 1 - number}") for number in range(count)]


def content(project: Project, revision: str) -> bytes:
    return b"".join(cat(project.repo, place=f"{revision}:m.safetensors"))


def test_a_history_becomes_smaller_and_gives_every_byte_back(project: Project) -> None:
    files = save_versions(project, 5)
    result = repack(project.repo, max_recreation=100.0)
    assert result.after_nbytes < result.before_nbytes
    assert result.encoded_anew > 0
    assert [content(project, f"HEAD~{4 - number}") for number in range(5)] == files
    assert fsck(project.repo, full=True).ok


def test_what_only_pays_on_more_rows_than_a_sample_has_is_found(project: Project) -> None:
    rng = np.random.default_rng(8)
    base = rng.standard_normal((300, 2000)).astype(np.float32) * 0.05
    update = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 2000)) * 1e-3
    for weights in (base, base + update.astype(np.float32)):
        project.save("m.safetensors", safetensors({"w": weights}))
    _, tuned = sorted(stored_tensors(project.repo).tensors, key=lambda one: one.number)
    repack(project.repo, max_recreation=100.0)
    assert project.repo.store.info(tuned.oid).stored_nbytes < 0.8 * tuned.info.stored_nbytes


def test_a_dry_run_changes_nothing(project: Project) -> None:
    save_versions(project, 3)
    before = sorted((path, path.stat().st_mtime_ns) for path in project.repo.layout.objects.rglob("*"))
    result = repack(project.repo, max_recreation=100.0, dry_run=True)
    assert result.planned_nbytes < result.before_nbytes
    assert sorted((path, path.stat().st_mtime_ns) for path in project.repo.layout.objects.rglob("*")) == before


def test_repacking_again_gains_nothing(project: Project) -> None:
    files = save_versions(project, 4)
    first = repack(project.repo, max_recreation=100.0)
    second = repack(project.repo, max_recreation=100.0)
    assert second.after_nbytes <= first.after_nbytes
    assert content(project, "HEAD~3") == files[0]


def test_copies_that_a_killed_repack_leaves_are_harmless_and_go(project: Project, monkeypatch) -> None:
    files = save_versions(project, 4)

    def killed(*_: object, prefer: str | None = None, **__: object) -> int:
        if prefer is not None:
            raise KeyboardInterrupt
        return 0

    with monkeypatch.context() as patch:
        patch.setattr("modelhub.porcelain.repack.settle", killed)
        with pytest.raises(KeyboardInterrupt):
            repack(project.repo, max_recreation=100.0)
    assert [content(project, f"HEAD~{3 - number}") for number in range(4)] == files
    assert settle(project.repo.store) > 0
    assert [content(project, f"HEAD~{3 - number}") for number in range(4)] == files
    assert fsck(project.repo, full=True).ok


@pytest.mark.usefixtures("equal_rates")
def test_with_a_bound_versions_are_kept_on_one_in_the_middle_and_give_every_byte_back(project: Project) -> None:
    files = save_a_wandering(project, 7)
    repack(project.repo, max_recreation=3.0)
    known = stored_tensors(project.repo)
    (line,) = known.lines.values()
    place = {known.tensors[number].oid: at for at, number in enumerate(line)}
    (middle,) = (at for at, number in enumerate(line) if not known.tensors[number].info.bases)
    assert 0 < middle < 6
    assert all(place[known.tensors[number].info.bases[0]] > at for at, number in enumerate(line[:1]))
    assert contents(project, 7) == files
    assert fsck(project.repo, full=True).ok


@pytest.mark.usefixtures("equal_rates")
def test_what_saves_little_is_done_in_one_phase_but_not_in_several(project: Project, monkeypatch) -> None:
    files = save_a_wandering(project, 7)
    before = sorted(project.repo.layout.objects.rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr("modelhub.porcelain.repack.phases", lambda bases: range(len(bases)))
        result = repack(project.repo)
    assert result.after_nbytes == result.before_nbytes
    assert sorted(project.repo.layout.objects.rglob("*")) == before
    assert contents(project, 7) == files
    assert repack(project.repo).after_nbytes < result.before_nbytes


@pytest.mark.usefixtures("equal_rates")
@pytest.mark.parametrize("survived", [0, 1])
def test_a_repack_killed_between_phases_loses_nothing_and_can_go_on(
    project: Project, monkeypatch, survived: int
) -> None:
    files = save_a_wandering(project, 7)
    done = 0

    def killed(store: ObjectStore, *_: object, prefer: str | None = None, **__: object) -> int:
        nonlocal done
        if prefer is not None and done == survived:
            raise KeyboardInterrupt
        done += prefer is not None
        return settle(store, prefer=prefer)

    with monkeypatch.context() as patch:
        patch.setattr("modelhub.porcelain.repack.settle", killed)
        with pytest.raises(KeyboardInterrupt):
            repack(project.repo, max_recreation=3.0)
    assert contents(project, 7) == files
    settle(project.repo.store)
    assert contents(project, 7) == files
    repack(project.repo, max_recreation=3.0)
    assert contents(project, 7) == files
    assert fsck(project.repo, full=True).ok


def test_tensors_are_numbered_after_what_they_build_on_by_way_of_a_forgotten_version(
    project: Project, monkeypatch
) -> None:
    save_versions(project, 3)
    (line,) = (line for (_, name), line in stored_tensors(project.repo).lines.items() if name == "w")
    first, middle, last = (stored_tensors(project.repo).tensors[number] for number in line)
    assert (middle.oid,) == last.info.bases
    commits = current_commits(project.repo)
    forgotten = {resolve(project.repo, "HEAD~1"): None}
    backwards = {oid: msgspec.structs.replace(commit, time=-commit.time) for oid, commit in commits.items()}
    monkeypatch.setattr("modelhub.porcelain.stored_tensors.current_commits", lambda _: backwards)
    monkeypatch.setattr("modelhub.porcelain.stored_tensors.forgotten_versions", lambda _: forgotten)
    numbers = {one.oid: one.number for one in stored_tensors(project.repo).tensors}
    assert middle.oid not in numbers
    assert numbers[first.oid] < numbers[last.oid]


def test_an_empty_repository_has_nothing_to_repack(project: Project) -> None:
    assert repack(project.repo).tensors == 0


@pytest.mark.parametrize("text", ["", "x", "0.5x", "nan", "-2", "fast"])
def test_a_bound_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_bound(text)


def test_bounds_are_read_with_and_without_x() -> None:
    assert parse_bound("1.6x") == parse_bound("1.6") == 1.6


def save_long_line(project: Project, count: int) -> list[bytes]:
    """Commit steps that each build on the one before, as commits choose it: the last ones take many times as long."""
    return _save_steps(project, count, seed=1, shape=(1000, 1100), size=1e-4)


@pytest.mark.usefixtures("no_delivery")
def test_by_default_nothing_grows_though_versions_are_over_the_bound(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelhub.porcelain.repack.MAX_RECREATION", 1.5)
    files = save_long_line(project, 5)
    result = repack(project.repo)
    assert result.slow_now > 0
    assert result.after_nbytes <= result.before_nbytes
    assert {one.solver: one.fault for one in result.solvers}["current"] is None
    assert result.slow_then == 0 or result.within_nbytes is not None
    assert [content(project, f"HEAD~{4 - number}") for number in range(5)] == files


@pytest.mark.usefixtures("no_delivery")
def test_a_bound_that_is_given_is_kept_at_the_price_of_room(project: Project) -> None:
    files = save_long_line(project, 5)
    planned = repack(project.repo, max_recreation=1.0, dry_run=True)
    result = repack(project.repo, max_recreation=1.0)
    assert planned.planned_nbytes > planned.before_nbytes
    assert result.after_nbytes > result.before_nbytes
    assert (result.slow_then, result.within_nbytes) == (0, None)
    assert result.slowest == pytest.approx(1.0)
    assert not any(project.repo.store.info(oid).bases for oid in project.repo.store.ids())
    assert [content(project, f"HEAD~{4 - number}") for number in range(5)] == files
    assert repack(project.repo, max_recreation=1.0).encoded_anew == 0
