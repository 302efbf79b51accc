"""Repacking makes a history smaller, gives every byte back, and keeps to its bound."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from contracts.project import Project, safetensors
from hypothesis import event, given, settings
from hypothesis import strategies as st

from modelhub.errors import InvalidInputError
from modelhub.porcelain.cat import cat
from modelhub.porcelain.fsck import fsck
from modelhub.porcelain.repack import parse_bound, repack
from modelhub.porcelain.repack_phases import carry_out, phases
from modelhub.porcelain.storage_ways import Rate, Way, ways_to_keep
from modelhub.porcelain.stored_tensors import StoredTensors, stored_tensors
from modelhub.progress import SILENT
from modelhub.repository.reachable import current_commits
from modelhub.repository.revision import resolve
from modelhub.store.entry import Base
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
    """Decoding costs the same with every codec, and nothing else costs anything."""
    monkeypatch.setattr(
        "modelhub.porcelain.storage_ways.rated",
        lambda _, drafts: {one.codec: Rate(((1, 1e-9),), 0.0) for one in drafts},
    )


@pytest.fixture
def brief_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a plan a while, not until nearly none is smaller: any plan is carried out by the same steps."""
    monkeypatch.setattr("modelhub.archive.portfolio.ROUNDS_OF_SMALL", 500)


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


def test_quantised_tensors_are_deltas_and_repacked_too(project: Project, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    kind = gguf.GGMLQuantizationType.Q4_0
    rng = np.random.default_rng(9)
    weights = rng.standard_normal((300, 512)).astype(np.float32) * 0.05
    files = []
    for number in range(3):
        path = tmp_path / f"{number}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tensor("w", gguf.quants.quantize(weights, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        files.append(path.read_bytes())
        project.save("m.gguf", files[-1], f"step {number}")
        weights = weights + rng.standard_normal(weights.shape).astype(np.float32) * 1e-4
    sizes = [one.info.stored_nbytes for one in stored_tensors(project.repo).tensors]
    assert max(sizes[1:]) < 0.3 * sizes[0]
    result = repack(project.repo, max_recreation=100.0)
    assert result.after_nbytes < result.before_nbytes
    found = [b"".join(cat(project.repo, place=f"HEAD~{2 - number}:m.gguf")) for number in range(3)]
    assert found == files
    assert fsck(project.repo, full=True).ok


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
        patch.setattr("modelhub.porcelain.repack_phases.settle", killed)
        with pytest.raises(KeyboardInterrupt):
            repack(project.repo, max_recreation=100.0)
    assert [content(project, f"HEAD~{3 - number}") for number in range(4)] == files
    assert settle(project.repo.store) > 0
    assert [content(project, f"HEAD~{3 - number}") for number in range(4)] == files
    assert fsck(project.repo, full=True).ok


@pytest.mark.usefixtures("equal_rates", "brief_search")
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


def disk_nbytes(project: Project) -> int:
    return sum(path.stat().st_size for path in project.repo.layout.objects.rglob("*") if path.is_file())


def objects(project: Project) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.repo.layout.objects.rglob("*") if path.is_file()}


def plan_of(known: StoredTensors, bases: Sequence[Sequence[int]]) -> list[Way]:
    """Return a plan that is expected to take next to nothing: each tensor anew on these, by number."""
    return [
        Way(number, tuple(on), tuple(Base(known.tensors[base].oid) for base in on), 1.0, 1.0, is_current=False)
        for number, on in enumerate(bases)
    ]


@pytest.mark.parametrize("may_grow", [False, True])
def test_a_plan_of_several_phases_that_does_not_save_is_not_begun_unless_asked(
    project: Project, may_grow: bool
) -> None:
    files = save_a_wandering(project, 4)
    known = stored_tensors(project.repo)
    before = objects(project)
    done = carry_out(project.repo, known, plan_of(known, [(3,), (), (), ()]), SILENT, may_grow=may_grow)
    assert (len(done.tensors), done.saved_nbytes < 0) == ((4, True) if may_grow else (0, False))
    assert (objects(project) == before) == (not may_grow)
    assert list(project.repo.layout.scratch.iterdir()) == []
    after = stored_tensors(project.repo)
    sizes = [sum(one.info.stored_nbytes for one in those.tensors) for those in (known, after)]
    assert sizes[0] - sizes[1] == done.saved_nbytes
    assert contents(project, 4) == files
    assert fsck(project.repo, full=True).ok


def test_a_plan_of_several_phases_that_saves_is_carried_out(project: Project) -> None:
    files = save_a_wandering(project, 4)
    known = stored_tensors(project.repo)
    carry_out(project.repo, known, plan_of(known, [()] * 4), SILENT, may_grow=True)
    before, known = disk_nbytes(project), stored_tensors(project.repo)
    backwards = [(1,), (2,), (3,), ()]
    assert phases(backwards) == [3, 2, 1, 0]
    done = carry_out(project.repo, known, plan_of(known, backwards), SILENT, may_grow=False)
    assert done.tensors == {0, 1, 2, 3}
    assert disk_nbytes(project) < before
    built_on = {one.oid: one.info.bases for one in stored_tensors(project.repo).tensors}
    oids = [one.oid for one in known.tensors]
    assert [built_on[oid] for oid in oids] == [(oids[1],), (oids[2],), (oids[3],), ()]
    assert contents(project, 4) == files
    assert fsck(project.repo, full=True).ok


def test_what_saves_less_than_its_packs_and_indexes_take_is_not_done(project: Project) -> None:
    """Loose objects have no index; a pack for each of two parts would cost more than a few hundred bytes."""
    files = _save_steps(project, 3, seed=4, shape=(20, 60), size=1e-3)
    known = stored_tensors(project.repo)
    before = objects(project)
    plan = plan_of(known, [(), (0,), (1,)])
    assert carry_out(project.repo, known, plan, SILENT, may_grow=False).tensors == frozenset()
    assert objects(project) == before
    done = carry_out(project.repo, known, plan, SILENT, may_grow=True)
    assert done.saved_nbytes > 0
    assert disk_nbytes(project) > sum(map(len, before.values()))
    assert contents(project, 3) == files


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, list[tuple[int, ...]]]:
    """Draw how many versions there are, and what each builds on in a plan: anything without circles."""
    count = draw(st.integers(2, 4))
    order = draw(st.permutations(range(count)))
    bases: list[tuple[int, ...]] = [()] * count
    for place, number in enumerate(order[1:], 1):
        bases[number] = tuple(draw(st.lists(st.sampled_from(order[:place]), max_size=2, unique=True)))
    return count, bases


@settings(max_examples=20)
@given(
    plan=plans(),
    seed=st.integers(0, 1000),
    rows=st.sampled_from([16, 80]),
    size=st.sampled_from([1e-4, 1e-2]),
    are_whole=st.booleans(),
)
def test_whatever_is_planned_the_disk_holds_no_more_afterwards(
    plan: tuple[int, list[tuple[int, ...]]], seed: int, rows: int, size: float, are_whole: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        count, bases = plan
        project = Project(Path(folder))
        files = _save_steps(project, count, seed=seed, shape=(rows, 100), size=size)
        if are_whole:
            known = stored_tensors(project.repo)
            carry_out(project.repo, known, plan_of(known, [()] * count), SILENT, may_grow=True)
        before, known = objects(project), stored_tensors(project.repo)
        done = carry_out(project.repo, known, plan_of(known, bases), SILENT, may_grow=False)
        event(f"{1 + max(phases(bases))} phases carried out: {bool(done.tensors)}")
        if done.tensors:
            assert done.saved_nbytes > 0
            assert disk_nbytes(project) <= sum(map(len, before.values()))
        else:
            assert objects(project) == before
        assert contents(project, count) == files


@settings(max_examples=8)
@given(
    steps=st.lists(st.sampled_from(["small", "large", "back", "again"]), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
)
def test_by_default_the_disk_never_holds_more_after_a_repack(steps: list[str], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelhub.archive.portfolio.ROUNDS_OF_SMALL", 50)
        project = Project(Path(folder))
        files = _save_a_history(project, steps, np.random.default_rng(seed))
        for _ in range(2):
            before = disk_nbytes(project)
            result = repack(project.repo)
            assert disk_nbytes(project) <= before
            assert result.after_nbytes <= result.before_nbytes
            known = stored_tensors(project.repo)
            assert result.after_nbytes == sum(one.info.stored_nbytes for one in known.tensors)
            assert contents(project, len(files)) == files
        assert fsck(project.repo, full=True).ok


def _save_a_history(project: Project, steps: Sequence[str], rng: np.random.Generator) -> list[bytes]:
    """Commit a network that takes a small or a large step each time, or what it was at first, or one step before."""
    saved = [{name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}]
    for step in steps:
        size = {"small": 1e-3, "large": 1.0}.get(step, 1e-5)
        old = saved[0] if step == "back" else saved[max(len(saved) - 2, 0)] if step == "again" else saved[-1]
        saved.append({
            name: one + rng.standard_normal(one.shape).astype(np.float32) * np.float32(size)
            for name, one in old.items()
        })  # fmt: skip
    files = [safetensors(tensors) for tensors in saved]
    for number, file in enumerate(files):
        project.save("m.safetensors", file, f"step {number}")
    return files


SHAPES = {"w": (40, 60), "v": (30, 40), "u": (4, 400)}


@pytest.mark.usefixtures("equal_rates")
def test_of_a_plan_that_saves_nothing_after_all_what_is_said_is_how_it_was_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelhub.porcelain.repack.MAX_RECREATION", 1.5)
    monkeypatch.setattr("modelhub.porcelain.block_samples.BlockSample.whole", lambda *_: 1.0)
    save_a_wandering(project, 4)
    before = objects(project)
    planned, result = repack(project.repo, dry_run=True), repack(project.repo)
    assert planned.encoded_anew > 0
    assert planned.planned_nbytes < planned.before_nbytes
    assert (planned.slowest, planned.slow_then, planned.within_nbytes) == (1.0, 0, None)
    assert (result.encoded_anew, result.after_nbytes) == (0, result.before_nbytes)
    assert (result.slowest, result.slow_then) == (4.0, result.slow_now)
    assert result.within_nbytes == planned.planned_nbytes
    assert objects(project) == before


def test_a_tensor_is_encoded_with_effort_on_the_bases_it_has_where_that_is_smaller(project: Project) -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((300, 200))
    for step in range(2):
        values = values + rng.standard_normal(values.shape) * 10.0 ** rng.uniform(-6, -3, (300, 1))
        project.write("model.safetensors", safetensors({"w": values.astype(np.float32)}))
        project.commit(f"step {step}")
    known = stored_tensors(project.repo)
    before = [way for way in ways_to_keep(project.repo, known, frozenset(), SILENT) if way.bases]
    assert {way.is_current for way in before} == {False, True}
    assert min(before, key=lambda way: way.nbytes).is_current is False
    assert repack(project.repo, max_recreation=math.inf).after_nbytes < sum(
        one.info.stored_nbytes for one in known.tensors
    )
    known = stored_tensors(project.repo)
    after = ways_to_keep(project.repo, known, frozenset(), SILENT)
    now = {way.tensor: way for way in after if way.is_current}
    assert all(known.tensors[number].info.stored_nbytes == way.nbytes for number, way in now.items())
    assert not any(way.named == now[way.tensor].named for way in after if not way.is_current)


@pytest.mark.usefixtures("equal_rates", "brief_search")
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
        patch.setattr("modelhub.porcelain.repack_phases.settle", killed)
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
