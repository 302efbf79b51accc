from __future__ import annotations

import random
from pathlib import Path

import pytest
from contracts.answers import forget_catalog
from contracts.logged_run import finished, log_of
from contracts.project import Project, safetensors, weights

from modelhub.errors import ModelHubError
from modelhub.porcelain.cat import cat
from modelhub.porcelain.fsck import FsckResult, fsck
from modelhub.porcelain.log import log
from modelhub.porcelain.ls import list_tensors


@pytest.fixture
def grown(project: Project) -> Project:
    """Two commits in packs: a model, and one that is stored as deltas of it; and a plain file."""
    base = {f"layer.{number}": weights(number, 60, 60) for number in range(10)}
    project.write("model.safetensors", safetensors(base))
    project.write("notes.txt", "plain")
    project.commit("base")
    project.write(
        "model.safetensors", safetensors({name: one + one * one.dtype.type(0.001) for name, one in base.items()})
    )
    project.commit("tuned")
    return project


def check(project: Project, *, repair: bool = False) -> FsckResult:
    return fsck(project.again(), full=True, repair=repair)


def damage(path: Path, position: int) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[position] ^= 0x40
    path.write_bytes(content)


def test_a_sound_repository_has_no_problems(grown: Project) -> None:
    result = check(grown)
    assert result.ok
    assert result.objects == len(set(grown.repo.store.ids()))


def test_damage_names_the_commits_files_and_tensors_it_touches(grown: Project) -> None:
    first = grown.repo.refs.branches()["main"]
    base = list_tensors(grown.repo, place="HEAD~1:model.safetensors")[3]
    entry = grown.repo.store.open(base.oid)
    packs = sorted((grown.repo.layout.objects / "packs").glob("*.pack"))
    pack = next(one for one in packs if one.stem == entry.info.place)
    damage(pack, _offset(grown, base.oid) + 10)
    problem = next(one for one in check(grown).problems if one.oid == base.oid)
    older = grown.repo.get(first, _commit_type()).parents[0]
    assert set(problem.commits) == {first, older}
    assert f"{older[:10]}:model.safetensors" in problem.files
    assert f"{older[:10]}:model.safetensors:layer.3" in problem.tensors
    assert f"{first[:10]}:model.safetensors:layer.3" in problem.tensors
    assert all("notes.txt" not in file for file in problem.files)


def test_a_missing_object_names_what_it_touches(grown: Project) -> None:
    entry = next(iter(grown.repo.store.loose.ids()))
    grown.repo.store.loose.path(entry).unlink()
    result = check(grown)
    assert not result.ok


def test_a_damaged_pointer_is_repaired(grown: Project) -> None:
    before = grown.repo.pointer()
    grown.repo.layout.head.write_text("garbage")
    assert [problem.place for problem in check(grown).problems] == [".mh/head"]
    assert check(grown, repair=True).repaired == ("the pointer to the newest operation",)
    assert grown.again().pointer() == before
    assert check(grown).ok


def test_a_lost_pointer_is_repaired(grown: Project) -> None:
    before = grown.repo.pointer()
    grown.repo.layout.head.unlink()
    assert not check(grown).ok
    assert check(grown, repair=True).ok
    assert grown.again().pointer() == before


def test_of_two_operations_of_one_number_the_repair_takes_the_later(project: Project) -> None:
    project.save("a", "1")
    before = project.repo.layout.head.read_bytes()
    project.save("a", "never acknowledged")
    project.repo.layout.head.write_bytes(before)
    project.repo = project.again()
    project.write("a", "the real one")
    project.commit()
    newest = project.repo.pointer()
    project.repo.layout.head.unlink()
    assert check(project, repair=True).ok
    assert project.again().pointer() == newest


def test_a_damaged_index_is_repaired_from_the_last_commit(grown: Project) -> None:
    damage(grown.repo.layout.index, 200)
    assert [problem.place for problem in check(grown).problems] == [".mh/index"]
    assert check(grown, repair=True).ok
    assert grown.status().clean


@pytest.mark.parametrize("how", ["garbage", "empty", "truncated", "page"])
def test_a_damaged_catalog_is_repaired(grown: Project, how: str) -> None:
    commits = [entry.commit for entry in log(grown.repo)]
    catalog = grown.repo.layout.catalog
    content = catalog.read_bytes()
    half = len(content) // 2
    broken = {
        "garbage": b"garbage" * 100, "empty": b"", "truncated": content[:half],
        "page": content[:8192] + bytes(4096) * 3 + content[8192 + 3 * 4096 :],
    }  # fmt: skip
    catalog.write_bytes(broken[how])
    assert [problem.place for problem in check(grown).problems] == [".mh/catalog.db"]
    assert check(grown, repair=True).ok
    assert [entry.commit for entry in log(grown.again())] == commits


@pytest.mark.parametrize("page", range(1, 12))
def test_reading_from_a_damaged_catalog_is_right_or_an_error_of_ours(grown: Project, page: int) -> None:
    before = [entry.commit for entry in log(grown.repo)]
    catalog = grown.repo.layout.catalog
    content = bytearray(catalog.read_bytes())
    content[page * 4096 : page * 4096 + 4096] = bytes(4096)
    catalog.write_bytes(content)
    found: object = None
    try:
        found = [entry.commit for entry in log(grown.again())]
    except ModelHubError as error:
        found = error.hint
    assert found in (before, "'mh reindex' makes it anew")


def test_a_broken_chain_of_operations_is_not_said_to_be_repaired(project: Project) -> None:
    project.save("a", "1")
    middle = project.repo.pointer().operation
    project.save("a", "2")
    damage(project.repo.store.loose.path(middle), 60)
    assert not check(project).ok
    assert not check(project, repair=True).ok


def test_no_flipped_bit_goes_unnoticed_or_delivers_a_wrong_byte(grown: Project) -> None:
    """Sampled: any file but the catalog (derived), a random bit; what reads must read right or fail as our error."""
    commits = [entry.commit for entry in log(grown.repo)]
    expected = {oid: grown.files_of(oid) for oid in commits}
    folder = grown.repo.layout.folder
    places = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("catalog.db", "lock")]
    chance = random.Random(5)
    for _ in range(150):
        path = chance.choice(places)
        content = path.read_bytes()
        position, bit = chance.randrange(len(content)), chance.randrange(8)
        path.chmod(0o644)
        path.write_bytes(_flipped(content, position, bit))
        problems: tuple[object, ...] = ("refused",)
        if path.name != "format":
            problems = fsck(grown.again(), full=True).problems
        reader = Project(grown.root, grown.repo.__class__(grown.repo.layout))
        for oid in commits:
            try:
                assert reader.files_of(oid) == expected[oid]
            except ModelHubError:
                assert problems, f"fsck sees nothing: {path} byte {position} bit {bit}"
        if not problems:
            assert path.name in ("format", "condemned"), f"fsck sees nothing: {path} byte {position} bit {bit}"
        path.write_bytes(content)


def _flipped(content: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 1 << bit
    return bytes(changed)


def _offset(project: Project, oid: str) -> int:
    for reader in project.repo.store.packs:
        for row in reader.index.rows():
            if row.oid.hex() == oid:
                return row.offset
    raise AssertionError("not in a pack")


def _commit_type() -> type:
    from modelhub.repository.objects import Commit

    return Commit


def test_the_log_and_new_commits_survive_damage_in_the_history(grown: Project) -> None:
    """A damaged old tensor and a lost catalog must not keep anyone from working on."""
    base = list_tensors(grown.repo, place="HEAD~1:model.safetensors")[3]
    pack = grown.repo.layout.objects / "packs" / f"{grown.repo.store.info(base.oid).place}.pack"
    damage(pack, _offset(grown, base.oid) + 10)
    forget_catalog(grown.repo)
    grown.repo = grown.again()
    assert len(list(log(grown.repo))) == 2
    grown.write("notes.txt", "changed")
    assert grown.commit("after the damage").branch == "main"
    assert len(list(log(grown.repo))) == 3


def test_a_damaged_base_does_not_stop_a_commit_of_the_next_version(grown: Project) -> None:
    newest = list_tensors(grown.repo, place="HEAD:model.safetensors")[3]
    pack = grown.repo.layout.objects / "packs" / f"{grown.repo.store.info(newest.oid).place}.pack"
    damage(pack, _offset(grown, newest.oid) + 10)
    grown.repo = grown.again()
    content = safetensors({f"layer.{number}": weights(number, 60, 60) * 2 for number in range(10)})
    grown.write("model.safetensors", content)
    done = grown.commit("after the damage")
    assert grown.files_of(done.commit)["model.safetensors"][1] == content


def test_a_damaged_commit_is_left_out_of_the_log(project: Project) -> None:
    first = project.save("a", "1")
    second = project.save("a", "2")
    third = project.save("a", "3")
    damage(project.repo.store.loose.path(second), 60)
    forget_catalog(project.repo)
    assert first != second
    assert [entry.commit for entry in log(project.again())] == [third]


def test_repair_stores_a_damaged_object_again_from_the_folder(grown: Project) -> None:
    tuned = list_tensors(grown.repo, place="HEAD:model.safetensors")[3]
    entry = grown.repo.store.open(tuned.oid)
    pack = grown.repo.layout.objects / "packs" / f"{entry.info.place}.pack"
    damage(pack, _offset(grown, tuned.oid) + 10)
    assert {problem.oid for problem in check(grown).problems} == {tuned.oid}
    result = check(grown, repair=True)
    assert result.ok
    assert result.repaired == ("1 object (from files in the folder)",)
    assert check(grown).ok
    assert grown.again().store.read(tuned.oid)


def test_repair_stores_a_missing_object_again_from_the_folder(grown: Project) -> None:
    tuned = list_tensors(grown.repo, place="HEAD:model.safetensors")[0]
    grown.repo.store.delete({tuned.oid})
    assert not check(grown).ok
    assert check(grown, repair=True).ok


def test_repair_never_takes_a_file_that_holds_something_else(grown: Project) -> None:
    tuned = list_tensors(grown.repo, place="HEAD:model.safetensors")[0]
    grown.repo.store.delete({tuned.oid})
    content = bytearray((grown.root / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (grown.root / "model.safetensors").write_bytes(content)
    before = check(grown)
    after = check(grown, repair=True)
    assert after.problems == before.problems
    assert after.repaired == ()


def test_an_older_versions_file_put_back_heals_that_version(grown: Project) -> None:
    content = b"".join(cat(grown.repo, place="HEAD~1:model.safetensors"))
    base = list_tensors(grown.repo, place="HEAD~1:model.safetensors")[0]
    pack = grown.repo.layout.objects / "packs" / f"{grown.repo.store.info(base.oid).place}.pack"
    damage(pack, _offset(grown, base.oid) + 10)
    assert not check(grown, repair=True).ok
    (grown.root / "model.safetensors").write_bytes(content)
    assert check(grown, repair=True).ok


def test_a_log_that_breaks_off_is_a_remark_and_no_damage(project: Project) -> None:
    pending = finished(project.repo.layout)
    assert fsck(project.repo).remarks == ()
    log = log_of(project.repo.layout)
    log.chmod(0o644)
    with log.open("ab") as file:
        file.write(b"torn")
    log.chmod(0o444)
    result = fsck(project.repo)
    (remark,) = result.remarks
    assert (remark.place, result.ok, result.problems) == (f".mh/runs/{pending.id}", True, ())
    assert "last 4 bytes" in remark.problem
