from __future__ import annotations

import pytest
from contracts.project import Project

from modelhub.errors import DirtyTree, MergeConflict, StateError
from modelhub.porcelain.merge import MergeChoices, MergeResult, merge
from modelhub.repository.objects import Commit
from modelhub.repository.walk import merge_base


def join(project: Project, revision: str, **choices: object) -> MergeResult:
    chosen = MergeChoices(choices.pop("by_path", {}), **choices)  # type: ignore[arg-type]
    return merge(project.repo, act=project.act(f"merge {revision}"), revision=revision, choices=chosen)


@pytest.fixture
def parted(project: Project) -> Project:
    """Both lines changed `both`; `main` changed `ours`, `topic` changed `theirs`."""
    for name in ("both", "ours", "theirs", "kept"):
        project.write(name, "base")
    project.commit("base")
    project.switch("topic", create=True)
    project.write("both", "topic")
    project.write("theirs", "topic")
    project.commit("on topic")
    project.switch("main")
    project.write("both", "main")
    project.write("ours", "main")
    project.commit("on main")
    return project


def test_a_conflict_is_told_and_changes_nothing(parted: Project) -> None:
    refs, folder = parted.repo.refs, parted.folder()
    with pytest.raises(MergeConflict) as caught:
        join(parted, "topic")
    assert caught.value.paths == ("both",)
    assert (parted.repo.refs, parted.folder()) == (refs, folder)
    assert parted.status().clean


@pytest.mark.parametrize(("side", "content"), [("ours", b"main"), ("theirs", b"topic")])
def test_a_conflict_is_decided_by_path_or_for_all(parted: Project, side: str, content: bytes) -> None:
    ours, theirs = parted.repo.head_commit(), parted.repo.refs.branches()["topic"]
    done = join(parted, "topic", by_path={"both": side})
    assert done.kind == "merge"
    assert parted.repo.get(done.commit, Commit).parents == (ours, theirs)
    expected = {"both": content, "ours": b"main", "theirs": b"topic", "kept": b"base"}
    assert {path: parted.read(path) for path in expected} == expected
    assert parted.status().clean
    assert join(parted, "topic").kind == "up-to-date"


def test_take_decides_all_conflicts(parted: Project) -> None:
    join(parted, "topic", take="theirs")
    assert parted.read("both") == b"topic"


def test_unsaved_work_in_the_way_stops_a_merge(parted: Project) -> None:
    parted.write("theirs", "precious")
    with pytest.raises(DirtyTree):
        join(parted, "topic", take="ours")
    assert parted.read("theirs") == b"precious"
    assert parted.repo.refs.branches()["main"] == parted.repo.head_commit()


def test_unsaved_work_elsewhere_is_left_alone(parted: Project) -> None:
    parted.write("kept", "precious")
    parted.write("untracked", "precious")
    join(parted, "topic", take="ours")
    assert parted.read("kept") == parted.read("untracked") == b"precious"


def test_staged_changes_stop_a_merge(parted: Project) -> None:
    parted.write("kept", "staged")
    parted.add()
    with pytest.raises(StateError, match="staged"):
        join(parted, "topic", take="ours")


def test_a_fast_forward_makes_no_commit_unless_told_to(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    tip = project.save("a", "2")
    project.switch("main")
    assert join(project, "topic").kind == "fast-forward"
    assert project.repo.head_commit() == tip
    assert project.read("a") == b"2"
    project.switch("more", create=True)
    project.save("a", "3")
    project.switch("main")
    assert join(project, "more", fast_forward=False).kind == "merge"


def test_only_a_fast_forward_can_be_demanded(parted: Project) -> None:
    with pytest.raises(StateError, match="fast-forward"):
        join(parted, "topic", take="ours", fast_forward=True)


def test_a_rename_on_one_side_keeps_the_file_once(project: Project) -> None:
    project.write("old.bin", "content")
    project.write("x", "1")
    project.commit()
    project.switch("topic", create=True)
    project.write("new.bin", project.read("old.bin"))
    project.remove("old.bin")
    project.commit()
    project.switch("main")
    project.save("x", "2")
    join(project, "topic")
    assert sorted(project.folder()) == ["new.bin", "x"]


def test_a_file_against_a_folder_of_its_name_is_a_conflict(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    project.save("place/inside", "1")
    project.switch("main")
    project.save("place", "a file")
    with pytest.raises(MergeConflict, match="place"):
        join(project, "topic")
    assert project.read("place") == b"a file"


def test_histories_without_a_common_commit_merge_over_nothing(project: Project) -> None:
    first = project.save("a", "1")
    project.switch("topic", create=True)
    project.save("b", "1")
    assert merge_base(project.repo, first, project.repo.head_commit()) == first


def test_in_a_criss_cross_the_base_is_a_best_common_ancestor(project: Project) -> None:
    project.save("a", "0")
    project.switch("topic", create=True)
    right = project.save("b", "1")
    project.switch("main")
    left = project.save("c", "1")
    join(project, "topic", fast_forward=False)
    project.switch("topic")
    merge(project.repo, act=project.act("merge"), revision=left)
    ours, theirs = project.repo.refs.branches()["main"], project.repo.refs.branches()["topic"]
    assert merge_base(project.repo, ours, theirs) in (left, right)
    assert merge_base(project.repo, ours, theirs) == merge_base(project.repo, theirs, ours)
    project.save("d", "1")
    project.switch("main")
    join(project, "topic")
    assert sorted(project.folder()) == ["a", "b", "c", "d"]
