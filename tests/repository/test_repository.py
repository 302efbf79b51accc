from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from contracts.project import Project

from modelhub.errors import FormatError, IntegrityError, LockHeld, RepositoryNotFound, StateError
from modelhub.porcelain.init import init
from modelhub.repository.repository import Repository


def test_a_repository_is_found_from_any_folder_below(project: Project) -> None:
    (project.root / "deep" / "down").mkdir(parents=True)
    assert Repository.find(project.root / "deep" / "down").layout.root == project.root
    with pytest.raises(RepositoryNotFound, match="no modelhub repository"):
        Repository.find(project.root.parent)


def test_making_it_again_changes_nothing(project: Project) -> None:
    project.save("a", "1")
    before = project.repo.pointer()
    assert not init(project.root, act=project.act("init")).created
    assert project.again().pointer() == before


def test_a_repository_beside_git_is_kept_out_of_git(tmp_path: Path, project: Project) -> None:
    folder = tmp_path / "both"
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for place in (folder, folder, folder / "deep" / "inside"):
        place.mkdir(parents=True, exist_ok=True)
        assert init(place, act=project.act("init")).beside_git
    lines = (folder / ".git" / "info" / "exclude").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["/.mh/", "/deep/inside/.mh/"]


def test_a_repository_in_a_worktree_of_git_is_kept_out_of_git(tmp_path: Path, project: Project) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a", *arguments], cwd=tmp_path, check=True)

    git("init", "-q", "main")
    git("-C", "main", "commit", "-q", "--allow-empty", "-m", "first")
    git("-C", "main", "worktree", "add", "-q", "../side")
    assert init(tmp_path / "side", act=project.act("init")).beside_git
    assert "/.mh/" in (tmp_path / "main" / ".git" / "info" / "exclude").read_text().splitlines()


@pytest.mark.parametrize("text", ['{"features":[],"format":4}', '{"features":["new"],"format":1}', "garbage", "\xff"])
def test_a_format_that_is_not_understood_is_refused(project: Project, text: str) -> None:
    project.repo.layout.format.write_text(text, "latin-1")
    with pytest.raises(FormatError):
        project.again()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"check":"0","operation":"00","sequence":1}'])
def test_a_damaged_pointer_is_told(project: Project, content: bytes) -> None:
    project.repo.layout.head.write_bytes(content)
    with pytest.raises(IntegrityError, match="newest operation"):
        project.repo.pointer()


def test_the_lock_is_held_by_one(project: Project) -> None:
    with project.repo.writing(), pytest.raises(LockHeld), project.again().writing(wait=False):
        pass
    with project.repo.writing(wait=False):
        pass


def test_what_a_killed_process_left_is_cleared_by_the_next_writer(project: Project) -> None:
    left = project.repo.layout.scratch / "123-abc.tmp"
    left.write_bytes(b"half")
    project.save("a", "1")
    assert not left.exists()


def test_every_change_of_refs_is_an_operation(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    found = [operation for _, operation in project.repo.operations()]
    assert [operation.sequence for operation in found] == [2, 1, 0]
    assert [operation.command for operation in found] == ["switch topic", "commit -m more", "init"]
    assert found[0].refs.keys() == {"refs/heads/main", "refs/heads/topic"}


def test_a_failed_fsync_fails_the_commit_and_loses_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the n-th fsync of a commit, for every n until none is left to fail."""
    project.save("a", "0")
    fsync = os.fsync
    failures = 0
    while True:
        before = project.repo.head_commit()
        project.write("a", f"version {failures}")
        left = failures + 1

        def failing(descriptor: int) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise OSError(5, "Input/output error")
            fsync(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing)
            try:
                done = project.commit()
            except (OSError, StateError):
                failures += 1
                project.assert_sound()
                assert project.repo.head_commit() == before or left == 0
                project.files_of(before)
                continue
        assert project.repo.head_commit() == done.commit
        break
    assert failures > 8


def test_a_full_disk_fails_the_commit_and_loses_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = project.save("a", "1")
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    project.write("a", "2")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        project.commit()
    monkeypatch.setattr(os, "write", write)
    assert project.repo.head_commit() == first
    assert list(project.repo.layout.scratch.iterdir()) == []
    project.assert_sound()
    assert project.commit().parents == (first,)


def test_short_writes_are_completed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:100])))
    content = os.urandom(5000)
    commit = project.save("a", content)
    assert project.files_of(commit)["a"][1] == content
    project.assert_sound()
