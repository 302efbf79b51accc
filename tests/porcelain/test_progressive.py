"""Marked versions keep separate planes through repacks, until the mark is taken off; everything else is as before."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights
from contracts.store_reads import StoreReads

from modelhub.api import Repo
from modelhub.catalog.revisions import resolve
from modelhub.errors import IntegrityError, RefNotFound, VersionForgotten
from modelhub.porcelain.cat import cat
from modelhub.porcelain.forgetting import mark_forgotten
from modelhub.porcelain.fsck import fsck
from modelhub.porcelain.gc import gc
from modelhub.porcelain.operations import undo
from modelhub.porcelain.places import find_file
from modelhub.porcelain.repack import repack
from modelhub.porcelain.tag import create_tag
from modelhub.porcelain.why_stored import why_stored
from modelhub.repository.content import find_tensor, read_manifest
from modelhub.repository.progressive import read_progressive

BOUND = 100.0


@pytest.fixture
def files(project: Project) -> list[bytes]:
    """Four versions of a network that moves on; the last but one is tagged v3."""
    moving = weights(1, 300, 400)
    found = []
    for number in range(4):
        moving = moving + weights(10 + number, 300, 400) * np.float32(0.05)
        found.append(safetensors({"w": moving, "n": np.arange(4000), "b": moving[0].copy()}))
        commit = project.save("m.safetensors", found[-1], f"step {number}")
        if number == 2:
            create_tag(project.repo, act=project.act("tag v3"), name="v3", revision=commit)
    return found


def kept(project: Project, revision: str, name: str = "w"):
    repo = project.repo
    entry = find_file(repo, f"{revision}:m.safetensors")
    return repo.store.info(find_tensor(read_manifest(repo, entry), name)[0].oid)


def contents(project: Project) -> list[bytes]:
    return [b"".join(cat(project.repo, place=f"HEAD~{3 - number}:m.safetensors")) for number in range(4)]


def test_a_marked_version_keeps_its_planes_separate(project: Project, files, monkeypatch) -> None:
    result = repack(project.repo, max_recreation=BOUND, progressive=["v3"])
    assert len(result.progressive) == 1
    assert kept(project, "v3").codecs == ("separate planes",)
    assert kept(project, "v3").bases == ()
    assert kept(project, "HEAD").depth > 0
    assert "separate planes" not in kept(project, "v3", "n").codecs
    assert contents(project) == files
    assert fsck(project.repo, full=True).ok
    loaded = Repo(project.again()).load("v3:m.safetensors", precision=1)
    with StoreReads(monkeypatch) as reads:
        found = loaded["w"]
    values = Repo(project.repo).load("v3:m.safetensors")["w"]
    assert ((found.lower <= values) & (values <= found.upper)).all()
    assert reads.nbytes < values.nbytes // 8 + 4096


def test_the_mark_holds_for_later_repacks_and_new_versions_build_on_it(project: Project, files) -> None:
    repack(project.repo, max_recreation=BOUND, progressive=["v3"])
    before = kept(project, "v3")
    again = repack(project.repo, max_recreation=BOUND)
    assert set(again.progressive) == read_progressive(project.repo.layout) == {resolve(project.repo, "v3")}
    assert kept(project, "v3") == before
    assert repack(project.repo, max_recreation=BOUND).encoded_anew == 0
    assert contents(project) == files


def test_the_mark_comes_off_and_the_bytes_come_back(project: Project, files) -> None:
    small = repack(project.repo, max_recreation=BOUND).after_nbytes
    larger = repack(project.repo, max_recreation=BOUND, progressive=["HEAD~3..HEAD"])
    assert larger.before_nbytes == small
    assert larger.after_nbytes > small
    assert len(larger.progressive) == 3
    done = repack(project.repo, max_recreation=BOUND, not_progressive=["HEAD~3..HEAD"])
    assert done.progressive == ()
    assert done.after_nbytes < larger.after_nbytes
    assert "separate planes" not in kept(project, "HEAD").codecs
    assert contents(project) == files


def test_a_dry_run_marks_nothing_and_says_what_it_would_take(project: Project, files) -> None:
    result = repack(project.repo, max_recreation=BOUND, progressive=["HEAD~3..HEAD"], dry_run=True)
    assert len(result.progressive) == 3
    assert result.planned_nbytes > result.before_nbytes
    assert read_progressive(project.repo.layout) == frozenset()
    assert not (project.repo.layout.folder / "progressive").exists()


def test_a_mark_outlives_undo_and_gc_and_goes_with_its_version(project: Project, files) -> None:
    head = project.repo.head_commit()
    repack(project.repo, max_recreation=BOUND, progressive=["HEAD", "v3"])
    undo(project.repo, act=project.act("undo"))
    gc(project.repo, act=project.act("gc"), grace_days=0)
    assert len(read_progressive(project.repo.layout)) == 2
    assert kept(project, "v3").codecs == ("separate planes",)
    project.now += 10**12
    gc(project.repo, act=project.act("gc"), grace_days=0, operations_days=0)
    assert project.repo.kind_of(head) is None
    assert len(repack(project.repo, max_recreation=BOUND).progressive) == 1
    assert read_progressive(project.repo.layout) == {project.repo.head_commit()}


def test_what_is_no_version_or_forgotten_is_not_marked(project: Project, files) -> None:
    with pytest.raises(RefNotFound):
        repack(project.repo, progressive=["nowhere"])
    first = [entry.commit for entry in Repo(project.repo).log()][-1]
    with project.repo.writing():
        mark_forgotten(project.repo, project.act("keep"), [first])
    with pytest.raises(VersionForgotten):
        repack(project.repo, progressive=[first])
    assert read_progressive(project.repo.layout) == frozenset()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"versions":3}', b"\xff"])
def test_a_damaged_list_is_told_and_nothing_is_repacked(project: Project, files, damage: bytes) -> None:
    repack(project.repo, max_recreation=BOUND, progressive=["v3"])
    (project.repo.layout.folder / "progressive").write_bytes(damage)
    before = kept(project, "v3")
    with pytest.raises(IntegrityError, match="progressive") as caught:
        repack(project.repo, max_recreation=BOUND)
    assert "delete it" in str(caught.value.hint)
    assert [problem.place for problem in fsck(project.repo).problems] == [".mh/progressive"]
    assert kept(project, "v3") == before


def test_killed_after_the_mark_the_next_repack_does_it(project: Project, files, monkeypatch) -> None:
    def killed(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("modelhub.porcelain.repack_phases._store_anew", killed)
        with pytest.raises(KeyboardInterrupt):
            repack(project.repo, max_recreation=BOUND, progressive=["v3"])
    repack(project.repo, max_recreation=BOUND)
    assert kept(project, "v3").codecs == ("separate planes",)
    assert contents(project) == files


def test_of_a_marked_tensor_repacking_weighs_one_way(project: Project, files) -> None:
    repack(project.repo, max_recreation=BOUND, progressive=["v3"])
    found = why_stored(project.repo, place="v3:m.safetensors", tensor="w").alternatives
    asked = [one for one in found if one.why in ("as it is progressive", "weighed by mh repack")]
    assert [(one.why, one.bases, one.stored_nbytes) for one in asked] == [
        ("as it is progressive", (), kept(project, "v3").stored_nbytes)
    ]
