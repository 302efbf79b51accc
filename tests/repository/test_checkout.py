from __future__ import annotations

import os

import pytest
from contracts.project import Project
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import IntegrityError, UnsafePath
from modelhub.repository.checkout import apply_checkout, plan_checkout
from modelhub.repository.names import stays_inside
from modelhub.repository.objects import Entry
from modelhub.repository.obstacles import Obstacles, clashing, folders_of
from modelhub.repository.status import load_index
from modelhub.repository.trees import read_files


@given(
    st.lists(st.sampled_from(["d", "e"]), max_size=2).map(lambda parts: "/".join([*parts, "link"])),
    st.lists(st.sampled_from(["..", "d", "a", ".", ""]), max_size=6).map("/".join),
)
def test_a_link_that_stays_inside_never_leads_above_the_folder(path: str, target: str) -> None:
    place = os.path.normpath(os.path.join("/top/root", os.path.dirname(path), target))
    if stays_inside(path, target):
        assert place == "/top/root" or place.startswith("/top/root/")


@pytest.mark.parametrize("target", ["", "/etc/passwd", "..", "../..", "a/../../x", "a/..", "../../../x"])
def test_targets_that_lead_outside_or_may_do_so(target: str) -> None:
    assert not stays_inside("link", target)


def test_a_damaged_object_is_never_written_out(project: Project) -> None:
    project.save("a", "1" * 50)
    project.save("a", "2" * 50)
    entry = read_files(project.repo, project.repo.commit_tree(str(project.repo.head_commit())))["a"]
    place = project.repo.store.loose.path(entry.oid)
    content = bytearray(place.read_bytes())
    content[30] ^= 1
    place.chmod(0o644)
    place.write_bytes(content)
    project.remove("a")
    with pytest.raises(IntegrityError):
        project.checkout("HEAD", force=True)
    assert not (project.root / "a").exists()
    assert list(project.repo.layout.scratch.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside", "/etc/x", ".mh/head", "a/../../x", ".git/hooks/post-checkout"])
def test_an_unsafe_path_is_refused_before_anything_is_written(project: Project, path: str) -> None:
    project.save("z", "1")
    entry = read_files(project.repo, project.repo.commit_tree(str(project.repo.head_commit())))["z"]
    index = load_index(project.repo)
    with project.repo.writing(), pytest.raises(UnsafePath):
        plan = plan_checkout(project.repo, index, {}, {path: entry})
        apply_checkout(project.repo, index, plan)
    assert sorted(project.folder()) == ["z"]
    assert not (project.root.parent / "outside").exists()


def test_two_names_for_one_file_are_refused(project: Project) -> None:
    entry = Entry("file", "0" * 64, 1)
    with pytest.raises(UnsafePath):
        plan_checkout(project.repo, load_index(project.repo), {}, {"A": entry, "a": entry})
    with pytest.raises(UnsafePath):
        plan_checkout(project.repo, load_index(project.repo), {}, {"a": entry, "a/b": entry})


def test_obstacles_are_files_above_and_below(project: Project) -> None:
    project.write("place/one", "1")
    project.write("place/deep/two", "1")
    project.write("above", "1")
    (project.root / "place" / "link").symlink_to("deep")
    found = Obstacles(project.root, ["staged/x", "other"])
    assert found.of("place") == {"place/one", "place/deep/two", "place/link"}
    assert found.of("above/x/y") == {"above"}
    assert found.of("staged") == {"staged/x"}
    assert found.of("other/x") == {"other"}
    assert found.of("place/link/x") == {"place/link"}
    assert found.of("free/x") == set()


def test_paths_that_clash_are_above_or_below() -> None:
    assert folders_of("a/b/c") == ["a", "a/b"]
    assert clashing(["a/b"], ["a", "a/b", "a/b/c", "a/bc", "b"]) == {"a", "a/b/c"}
