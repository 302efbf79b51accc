from __future__ import annotations

import os
import shutil

import pytest
from contracts.project import Project

from modelhub.errors import AlreadyExistsError, DirtyTree, InvalidInputError, RefNotFound
from modelhub.porcelain.checkout import switch
from modelhub.porcelain.operations import operation_log


@pytest.fixture
def grown(project: Project) -> Project:
    project.write("a", "1")
    project.write("gone", "1")
    project.commit("first")
    project.write("a", "2")
    project.write("new/b", "2")
    project.remove("gone")
    project.commit("second")
    return project


def test_a_version_comes_back_and_files_of_no_version_stay(grown: Project) -> None:
    grown.write("untracked", "mine")
    done = grown.checkout("HEAD~1")
    assert (set(done.written), set(done.deleted), done.detached) == ({"a", "gone"}, {"new/b"}, True)
    assert {path: grown.read(path) for path in grown.folder()} == {"a": b"1", "gone": b"1", "untracked": b"mine"}
    assert not (grown.root / "new").exists()
    grown.switch("main")
    assert sorted(grown.folder()) == ["a", "new/b", "untracked"]


@pytest.mark.parametrize("path", ["a", "gone", "new/b"])
def test_unsaved_work_is_never_overwritten_unless_forced(grown: Project, path: str) -> None:
    grown.write(path, "precious")
    with pytest.raises(DirtyTree) as caught:
        grown.checkout("HEAD~1")
    assert caught.value.paths == (path,)
    assert grown.read(path) == b"precious"
    assert grown.repo.refs.branch == "main"
    grown.checkout("HEAD~1", force=True)
    assert {name: grown.read(name) for name in grown.folder()} == {"a": b"1", "gone": b"1"}


def test_staged_work_is_never_lost_unless_forced(grown: Project) -> None:
    grown.write("a", "staged")
    grown.add("a")
    grown.write("a", "1")
    with pytest.raises(DirtyTree):
        grown.checkout("HEAD~1")


def test_unsaved_work_in_files_that_both_versions_share_is_carried_along(grown: Project) -> None:
    grown.save("same", "1")
    grown.switch("topic", create=True, start="HEAD")
    grown.save("a", "3")
    grown.write("same", "unsaved")
    grown.switch("main")
    assert grown.read("same") == b"unsaved"


def test_work_that_the_target_holds_already_is_no_obstacle(grown: Project) -> None:
    grown.write("a", "1")
    grown.write("gone", "1")
    grown.remove("new/b")
    grown.checkout("HEAD~1")
    assert grown.status().clean


def test_a_folder_with_files_of_no_version_is_not_removed_even_by_force(project: Project) -> None:
    project.save("place", "a file")
    project.remove("place")
    project.save("other", "1")
    project.write("place/precious", "mine")
    for force in (False, True):
        with pytest.raises(DirtyTree):
            project.checkout("HEAD~1", force=force)
    assert project.read("place/precious") == b"mine"


def test_a_file_where_a_folder_must_be_is_unsaved_work(project: Project) -> None:
    project.save("place/inside", "1")
    project.remove("place/inside")
    (project.root / "place").rmdir()
    project.save("other", "1")
    project.write("place", "mine")
    with pytest.raises(DirtyTree):
        project.checkout("HEAD~1")
    assert project.read("place") == b"mine"
    project.checkout("HEAD~1", force=True)
    assert project.read("place/inside") == b"1"


def test_a_folder_becomes_a_file_and_back(project: Project) -> None:
    first = project.save("place/deep/inside", "1")
    project.remove("place/deep/inside")
    os.removedirs(project.root / "place/deep")
    second = project.save("place", "a file")
    for commit in (first, second, first):
        project.checkout(commit)
        assert project.folder() == project.files_of(commit)


def test_nothing_is_written_or_deleted_through_a_link(project: Project) -> None:
    project.save("data/inside", "1")
    project.save("data/inside", "2")
    outside = project.root.parent / "outside"
    outside.mkdir()
    (outside / "inside").write_text("not ours")
    project.remove("data/inside")
    (project.root / "data").rmdir()
    (project.root / "data").symlink_to(outside)
    with pytest.raises(DirtyTree):
        project.checkout("HEAD~1")
    project.checkout("HEAD~1", force=True)
    assert (outside / "inside").read_text() == "not ours"
    assert project.folder() == {"data/inside": ("file", b"1")}


def test_nothing_is_deleted_behind_a_link(project: Project) -> None:
    project.save("other", "1")
    project.save("data/deep/inside", "1")
    outside = project.root.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    shutil.rmtree(project.root / "data")
    (project.root / "data").symlink_to(outside)
    project.checkout("HEAD~1")
    assert (outside / "deep").is_dir()
    assert project.status().untracked == ("data",)


def test_links_come_back_and_those_that_lead_outside_are_left_out(project: Project) -> None:
    inside = {"link": "a", "d/up": "../a", "d/folder": "."}
    outside = {"absolute": "/etc/passwd", "above": "../x", "d/sneaky": "deep/../../../x", "twisted": "d/folder/../.."}
    project.write("a", "1")
    (project.root / "d").mkdir()
    for name, target in (inside | outside).items():
        (project.root / name).symlink_to(target)
    first = project.commit().commit
    for name in inside | outside:
        project.remove(name)
    project.commit("without")
    done = project.checkout(first)
    assert set(done.skipped_links) == set(outside)
    assert {name: os.readlink(project.root / name) for name in inside} == inside
    assert not any(os.path.lexists(project.root / name) for name in outside)


def test_the_mode_alone_is_a_change(project: Project) -> None:
    first = project.save("run.sh", "x")
    (project.root / "run.sh").chmod(0o755)
    done = project.commit()
    assert [change.kind for change in done.changes] == ["mode"]
    project.checkout(first)
    assert project.folder() == {"run.sh": ("file", b"x")}
    project.switch("main")
    assert project.folder() == {"run.sh": ("exec", b"x")}


def test_a_branch_is_made_where_asked_and_never_over_another(grown: Project) -> None:
    grown.switch("topic", create=True, start="HEAD~1")
    assert grown.repo.refs.branches()["topic"] == grown.repo.head_commit()
    assert grown.read("a") == b"1"
    with pytest.raises(AlreadyExistsError):
        grown.switch("main", create=True)
    with pytest.raises(AlreadyExistsError):
        grown.switch("topic/sub", create=True)
    with pytest.raises(RefNotFound, match="'absent'"):
        grown.switch("absent")
    with pytest.raises(InvalidInputError):
        switch(grown.repo, act=grown.act(), branch="main", start="HEAD")


def test_switching_to_where_one_is_records_no_operation(grown: Project) -> None:
    before = operation_log(grown.repo)
    grown.switch("main")
    assert operation_log(grown.repo) == before


def test_a_new_repository_can_begin_on_another_branch(project: Project) -> None:
    project.write("a", "1")
    project.switch("trunk", create=True)
    project.commit()
    assert project.repo.refs.branches().keys() == {"trunk"}


def test_an_empty_folder_is_not_left_behind(grown: Project) -> None:
    grown.checkout("HEAD~1")
    grown.switch("main")
    grown.checkout("HEAD~1")
    assert [path.name for path in grown.root.iterdir() if path.is_dir()] == [".mh"]


def test_a_pipe_where_a_file_must_be_is_not_replaced(grown: Project) -> None:
    os.mkfifo(grown.root / "gone")
    with pytest.raises(DirtyTree):
        grown.checkout("HEAD~1")


def test_reading_is_possible_while_another_writes(grown: Project) -> None:
    from modelhub.porcelain.log import log

    with grown.again().writing():
        assert len(list(log(grown.repo))) == 2
        assert grown.status().clean
        assert grown.files_of(grown.repo.head_commit())["a"] == ("file", b"2")


def test_leaving_a_commit_that_no_branch_holds_is_told(project: Project) -> None:
    project.save("a", "1")
    assert project.checkout("main").left_behind is None
    project.checkout("HEAD~0")
    lost = project.save("a", "2")
    assert project.switch("main").left_behind == lost
