from __future__ import annotations

from collections.abc import Sequence

import pytest
from contracts.answers import all_answers
from contracts.project import Project, safetensors, weights

from modelhub.errors import ModelHubError, StateError, VersionForgotten
from modelhub.porcelain.branch import create_branch
from modelhub.porcelain.cat import cat
from modelhub.porcelain.checkout import checkout
from modelhub.porcelain.forgetting import mark_forgotten
from modelhub.porcelain.gc import gc
from modelhub.porcelain.log import log
from modelhub.porcelain.operations import operation_log, undo
from modelhub.porcelain.reindex import reindex
from modelhub.porcelain.tag import create_tag
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.layout import FORMAT, check_format
from modelhub.repository.reachable import Needs


def checkpoints(project: Project, count: int = 5) -> list[str]:
    """Commit models that have nothing to do with each other, each beside a small file."""
    made = []
    for number in range(count):
        project.write("train.py", f"seed = {number}")
        project.write("m.safetensors", safetensors({"w": weights(number, 60, 60)}))
        made.append(project.commit(f"step {number}", metrics={"acc": number / 10}).commit)
    return made


def forget(project: Project, commits: Sequence[str]) -> None:
    with project.repo.writing():
        mark_forgotten(project.repo, project.act("keep"), commits)


def collect(project: Project) -> int:
    freed = gc(project.repo, act=project.act("gc"), grace_days=0).freed_nbytes
    project.repo = project.again()
    return freed


def contents_of(project: Project, commit: str) -> set[str]:
    return set(Needs(project.repo).of_commit(commit) - Needs(project.repo, contents=False).of_commit(commit))


def test_gc_deletes_the_weights_of_forgotten_versions_and_nothing_else(project: Project) -> None:
    made = checkpoints(project)
    before = set(project.repo.store.ids())
    forget(project, made[:3])
    expected = set[str]().union(*(contents_of(project, commit) for commit in made[:3]))
    expected -= set[str]().union(*(contents_of(project, commit) for commit in made[3:]))  # the header, which all share
    assert len(expected) == 3
    collect(project)
    assert before - set(project.repo.store.ids()) == expected
    for number, commit in enumerate(made[3:], 3):
        assert project.files_of(commit)["train.py"][1] == f"seed = {number}".encode()
        assert project.files_of(commit)["m.safetensors"][1] == safetensors({"w": weights(number, 60, 60)})
    project.assert_sound()


def test_what_another_version_has_too_stays(project: Project) -> None:
    first, second, *_ = checkpoints(project, 3)
    project.save("copy.safetensors", safetensors({"w": weights(0, 60, 60)}))
    forget(project, [first, second])
    collect(project)
    assert project.files_of(first)["m.safetensors"][1] == safetensors({"w": weights(0, 60, 60)})
    with pytest.raises(VersionForgotten):
        project.files_of(second)
    project.assert_sound()


def test_a_base_that_a_kept_delta_needs_stays(project: Project) -> None:
    base = weights(1, 200, 200)
    first = project.save("m.safetensors", safetensors({"w": base}))
    tuned = safetensors({"w": base + weights(2, 200, 200) * base.dtype.type(0.001)})
    second = project.save("m.safetensors", tuned)
    forget(project, [first])
    collect(project)
    assert project.files_of(second)["m.safetensors"][1] == tuned
    project.assert_sound()


def test_the_history_stays_whole_and_the_catalog_answers_as_before(project: Project) -> None:
    made = checkpoints(project)
    before = all_answers(project.repo)
    told = [(entry.commit, entry.message, dict(entry.metrics)) for entry in log(project.repo)]
    forget(project, made[:3])
    collect(project)
    after = all_answers(project.repo)
    for view in before.keys() - {"commits", "operations", "storage", "tensors"}:
        assert after[view] == before[view], view
    assert [row[:-2] for row in after["commits"]] == [row[:-2] for row in before["commits"]]
    assert sorted(row[-1] for row in after["commits"] if row[-1]) == ["Ada"] * 3
    assert [(entry.commit, entry.message, dict(entry.metrics)) for entry in log(project.repo)] == told
    reindex(project.repo)
    assert all_answers(project.repo) == after


def test_small_files_stay_readable_and_weights_say_what_became_of_them(project: Project) -> None:
    made = checkpoints(project)
    forget(project, made[:1])
    collect(project)
    assert b"".join(cat(project.repo, place=f"{made[0]}:train.py")) == b"seed = 0"
    with pytest.raises(VersionForgotten, match=f"version {made[0][:10]} was forgotten on 2023-11-14 by Ada"):
        b"".join(cat(project.repo, place=f"{made[0]}:m.safetensors"))


@pytest.mark.parametrize("collected", [False, True])
def test_no_ref_can_come_to_name_a_forgotten_version(project: Project, collected: bool) -> None:
    made = checkpoints(project)
    forget(project, made[:1])
    if collected:
        collect(project)
    before, folder = project.repo.refs, project.folder()
    for attempt in (
        lambda: checkout(project.repo, act=project.act(), revision=made[0]),
        lambda: create_tag(project.repo, act=project.act(), name="v", revision=made[0]),
        lambda: create_branch(project.repo, act=project.act(), name="b", start=made[0]),
    ):
        with pytest.raises(VersionForgotten):
            attempt()
    assert (project.repo.refs, project.folder()) == (before, folder)


def test_what_a_ref_names_cannot_be_forgotten(project: Project) -> None:
    made = checkpoints(project)
    create_tag(project.repo, act=project.act(), name="v1", revision=made[1])
    for commit in (made[1], made[-1]):
        with pytest.raises(StateError, match="cannot be forgotten"):
            forget(project, [commit])
    assert forgotten_versions(project.repo) == {}


def test_forgetting_is_undone_until_gc_has_deleted(project: Project) -> None:
    made = checkpoints(project)
    files = project.files_of(made[0])
    forget(project, made[:2])
    gc(project.repo, act=project.act("gc"))  # only notes what is unneeded: the grace begins
    undo(project.repo, act=project.act("undo"))
    assert forgotten_versions(project.repo) == {}
    collect(project)
    assert project.files_of(made[0]) == files
    forget(project, made[:2])
    collect(project)
    refs = project.repo.refs
    with pytest.raises(StateError, match="gc has deleted them"):
        undo(project.repo, act=project.act("undo"))
    assert project.repo.refs == refs
    project.assert_sound()


def test_undoing_one_forgetting_leaves_the_other(project: Project) -> None:
    made = checkpoints(project)
    forget(project, made[:1])
    first = operation_log(project.repo)[0]
    forget(project, made[1:3])
    assert (first.forgot, operation_log(project.repo)[0].forgot) == (1, 2)
    undo(project.repo, act=project.act("undo"), operation=first.oid)
    assert forgotten_versions(project.repo).keys() == set(made[1:3])
    assert operation_log(project.repo)[0].remembered == 1
    undo(project.repo, act=project.act("undo"), operation=operation_log(project.repo)[0].oid)
    assert forgotten_versions(project.repo).keys() == set(made[:3])


def test_commits_after_a_forgetting_keep_it(project: Project) -> None:
    made = checkpoints(project)
    forget(project, made[:1])
    project.save("a", "1")
    project.switch("topic", create=True)
    project.save("b", "1")
    assert forgotten_versions(project.repo).keys() == {made[0]}


def test_a_damaged_list_deletes_nothing_and_is_reported(project: Project) -> None:
    made = checkpoints(project)
    forget(project, made[:1])
    project.repo.store.loose.path(project.repo.refs.forgotten or "").unlink()
    project.repo = project.again()
    before = sorted(project.repo.store.ids())
    with pytest.raises(ModelHubError):
        collect(project)
    assert sorted(project.repo.store.ids()) == before
    from modelhub.porcelain.fsck import fsck

    assert not fsck(project.repo).ok


def test_a_repository_of_an_older_format_becomes_of_the_present_one(project: Project) -> None:
    made = checkpoints(project)
    project.repo.layout.format.write_text('{"features":[],"format":2}')
    forget(project, made[:1])
    assert check_format(project.repo.layout) == FORMAT == 3
