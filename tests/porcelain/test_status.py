from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from contracts.logged_run import begin, finished
from contracts.project import START_MS, Project

from modelhub.errors import StateError, UnsafePath
from modelhub.porcelain import status as verb
from modelhub.porcelain.operations import undo
from modelhub.repository import worktree
from modelhub.repository.index import read_index
from modelhub.repository.repository import Repository


def test_a_renamed_file_is_found(project: Project) -> None:
    project.save("old.bin", "content")
    os.rename(project.root / "old.bin", project.root / "new.bin")
    project.add()
    found = [(change.kind, change.path, change.old_path) for change in project.status().staged]
    assert found == [("renamed", "new.bin", "old.bin")]


def test_a_new_content_of_the_same_size_with_the_old_mtime_is_found(project: Project) -> None:
    project.write("a", "0001")
    old = 1_600_000_000_000_000_000
    os.utime(project.root / "a", ns=(old, old))
    project.commit()
    time.sleep(0.05)
    project.write("a", "0002")
    os.utime(project.root / "a", ns=(old, old))
    assert [change.path for change in project.status().unstaged] == ["a"]


def test_a_change_of_the_same_size_within_one_tick_is_found(project: Project) -> None:
    for number in range(20):
        project.write("a", f"{number:04}")
        project.add()
        stat = os.stat(project.root / "a")
        project.write("a", f"{number:03}x")
        os.utime(project.root / "a", ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert [change.path for change in project.status().unstaged] == ["a"]


def test_a_change_that_keeps_size_and_time_is_found_where_the_file_was_replaced(project: Project) -> None:
    _settled(project, "a", "old")
    stat = os.stat(project.root / "a")
    project.write("b", "new")
    os.utime(project.root / "b", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.replace(project.root / "b", project.root / "a")
    assert [change.path for change in project.status().unstaged] == ["a"]


def test_unchanged_files_are_not_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _settled(project, "a", "old")

    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(worktree, "open_for_reading", refuse)
    assert project.status().clean


def test_what_had_to_be_read_is_remembered(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _settled(project, "a", "old")
    os.utime(project.root / "a", ns=(1, 10**18 + 1))
    time.sleep(0.03)
    assert project.status().clean
    monkeypatch.setattr(worktree, "open_for_reading", None)
    assert project.status().clean


def test_a_status_never_undoes_what_another_process_staged_meanwhile(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settled(project, "a", "old")
    os.utime(project.root / "a", ns=(1, 10**18 + 1))
    inspect = verb.inspect

    def slow(repo: Repository) -> object:
        state = inspect(repo)
        project.write("b", "staged meanwhile")
        Project(project.root, project.again()).add("b")
        return state

    monkeypatch.setattr(verb, "inspect", slow)
    project.status()
    index = read_index(project.repo.layout)
    assert index is not None
    assert "b" in index.entries


def test_ignored_folders_are_not_even_looked_into(project: Project) -> None:
    project.write(".mhignore", "data/\n*.tmp\n!kept.tmp\n")
    project.write("data/huge.bin", "x")
    project.write("__pycache__/m.pyc", "x")
    project.write("a.tmp", "x")
    project.write("kept.tmp", "x")
    (project.root / "data").chmod(0)
    try:
        assert project.status().untracked == (".mhignore", "kept.tmp")
    finally:
        (project.root / "data").chmod(0o755)


def test_tracked_files_stay_tracked_when_a_rule_names_them(project: Project) -> None:
    project.write("data/a", "1")
    project.write("data/b", "1")
    project.commit()
    project.write(".mhignore", "data/\n")
    project.write("data/a", "2")
    project.write("data/c", "new")
    found = project.status()
    assert [change.path for change in found.unstaged] == ["data/a"]
    assert found.untracked == (".mhignore",)


def test_pipes_and_the_repository_itself_are_no_files(project: Project) -> None:
    os.mkfifo(project.root / "pipe")
    (project.root / "sub" / ".git").mkdir(parents=True)
    (project.root / "sub" / ".git" / "config").write_text("x")
    assert project.status().clean


def test_a_folder_named_as_the_ignore_file_is_a_folder(project: Project) -> None:
    project.write(".mhignore/a", "1")
    assert project.status().untracked == (".mhignore/a",)


def test_a_folder_that_vanishes_meanwhile_is_no_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("d/a", "1")
    project.write("e", "1")
    scandir = os.scandir

    def gone(path: object) -> object:
        if str(path).rstrip("/").endswith("/d"):
            raise FileNotFoundError(path)
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", gone)
    assert project.status().untracked == ("e",)


def test_a_folder_that_cannot_be_read_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("d/a", "1")
    scandir = os.scandir

    def refused(path: object) -> object:
        if str(path).rstrip("/").endswith("/d"):
            raise PermissionError(path)
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(StateError, match="'d/'"):
        project.status()


def test_a_repository_that_cannot_be_written_is_still_readable(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelhub import files
    from modelhub.porcelain.log import log

    project.save("a", "1")
    project.repo.layout.catalog.unlink()

    def refused(*_: object, **__: object) -> object:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(files, "writer_lock", refused)
    repo = project.again()
    assert len(list(log(repo))) == 1
    assert verb.status(repo).clean
    assert project.files_of(repo.head_commit()) == {"a": ("file", b"1")}
    assert not repo.layout.catalog.exists()
    with pytest.raises(StateError, match="cannot be written"):
        project.save("a", "2")


def _settled(project: Project, path: str, content: str) -> None:
    """Record a file whose time is long before the index was written."""
    os.utime(project.write(path, content), ns=(1, 10**18))
    time.sleep(0.03)
    project.commit()


def test_folders_nested_beyond_all_measure_are_refused(project: Project) -> None:
    place = project.root
    for _ in range(110):
        place = place / "d"
    place.mkdir(parents=True)
    with pytest.raises(UnsafePath, match="folders deep"):
        project.status()


def test_runs_are_listed_by_when_they_began_those_of_an_undone_version_too(project: Project) -> None:
    for run_id, moment in (("00000000000000c1", 30), ("00000000000000a1", 20)):
        finished(project.repo.layout, run_id, time=START_MS + moment)
    project.save("a", "1")
    undo(project.repo, act=project.act("undo"))
    for run_id, moment in (("00000000000000b1", 10), ("00000000000000d1", 25)):
        finished(project.repo.layout, run_id, time=START_MS + moment)
    live = [begin(project.repo.layout, f"000000000000000{n}", time=START_MS + 100 - n) for n in range(3)]
    found = project.status()
    assert [run[-2:] for run in found.runs_ended] == ["b1", "a1", "d1", "c1"]
    assert [run[-1] for run in found.runs_going] == ["2", "1", "0"]
    for run in live:
        run.close()
