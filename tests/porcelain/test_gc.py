from __future__ import annotations

import pytest
from contracts.answers import all_answers, forget_catalog
from contracts.project import Project, safetensors, weights

from modelhub.errors import IntegrityError, InvalidInputError, ModelHubError, StateError
from modelhub.porcelain.branch import delete_branch
from modelhub.porcelain.config import set_value
from modelhub.porcelain.gc import DAY_MS, GcResult, gc
from modelhub.porcelain.operations import operation_log, undo
from modelhub.repository.repository import Act
from modelhub.repository.revision import resolve


def collect(project: Project, *, days_later: float = 0, dry_run: bool = False, grace: float | None = None) -> GcResult:
    act = project.act("gc")
    later = Act(act.author, act.time + int(days_later * DAY_MS), act.offset, "gc")
    return gc(project.repo, act=later, grace_days=grace, dry_run=dry_run)


def stage_and_forget(project: Project, seed: int = 7) -> set[str]:
    """Stage a model and replace it by another: the objects of the first are needed by nothing."""
    project.write("draft.safetensors", safetensors({"w": weights(seed, 30, 30)}))
    before = set(project.repo.store.ids())
    project.add("draft.safetensors")
    garbage = set(project.repo.store.ids()) - before
    project.write("draft.safetensors", b"nothing")
    project.add("draft.safetensors")
    return garbage


def test_what_is_staged_stays(project: Project) -> None:
    project.save("a", "1")
    project.write("m.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.add()
    collect(project, grace=0)
    project.remove("m.safetensors")
    done = project.commit("from the index")
    assert project.files_of(done.commit)["m.safetensors"][1] == safetensors({"w": weights(1, 30, 30)})
    project.assert_sound()


def test_what_can_be_undone_stays(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    lost = project.save("a", "2")
    project.switch("main")
    delete_branch(project.repo, act=project.act("branch -D topic"), name="topic", force=True)
    collect(project, grace=0)
    undo(project.repo, act=project.act("undo"))
    assert project.repo.refs.branches()["topic"] == lost
    assert project.files_of(lost) == {"a": ("file", b"2")}


def test_what_nothing_needs_goes_after_the_grace_and_not_before(project: Project) -> None:
    garbage = stage_and_forget(project)
    first = collect(project)
    assert not first.removed
    assert {item.oid for item in first.waiting} == garbage
    assert all(item.days_left == 14 for item in first.waiting)
    assert not collect(project, days_later=13).removed
    assert {item.oid for item in collect(project, days_later=15).removed} == garbage
    assert not garbage & set(project.repo.store.ids())
    project.assert_sound()


def test_an_object_that_is_needed_again_gets_its_grace_anew(project: Project) -> None:
    stage_and_forget(project)
    collect(project)
    project.write("draft.safetensors", safetensors({"w": weights(7, 30, 30)}))
    project.add()
    collect(project, days_later=10)
    project.write("draft.safetensors", b"nothing")
    project.add()
    assert not collect(project, days_later=15).removed


def test_a_dry_run_names_what_would_go_and_changes_nothing(project: Project) -> None:
    garbage = stage_and_forget(project)
    before = sorted(project.repo.store.ids())
    done = collect(project, dry_run=True, grace=0)
    assert {item.oid for item in done.removed} == garbage
    assert done.freed_nbytes > 0
    assert sorted(project.again().store.ids()) == before
    assert not (project.repo.layout.folder / "condemned").exists()


def test_a_clock_that_went_backwards_deletes_nothing(project: Project) -> None:
    stage_and_forget(project)
    collect(project, days_later=20)
    with pytest.raises(StateError, match="clock"):
        collect(project, days_later=1, grace=0)


def test_a_damaged_history_deletes_nothing(project: Project) -> None:
    project.save("a", "1")
    stage_and_forget(project)
    tree = project.repo.commit_tree(project.repo.head_commit())
    project.repo.store.loose.path(tree or "").unlink()
    before = sorted(project.again().store.ids())
    project.repo = project.again()
    with pytest.raises(IntegrityError, match="nothing was deleted"):
        collect(project, grace=0)
    assert sorted(project.repo.store.ids()) == before


def test_deltas_keep_their_bases(project: Project) -> None:
    base = weights(1, 200, 200)
    project.write("m.safetensors", safetensors({"w": base}))
    project.add()
    tuned = safetensors({"w": base + weights(2, 200, 200) * base.dtype.type(0.001)})
    project.write("m.safetensors", tuned)
    done = project.commit(paths=["m.safetensors"])
    run = project.repo.store.info(_tensor(project, done.commit))
    assert run.base is not None
    collect(project, grace=0)
    assert project.files_of(done.commit)["m.safetensors"][1] == tuned
    project.assert_sound()


def test_loose_objects_and_small_packs_become_one_pack(project: Project) -> None:
    for seed in range(4):
        project.save("m.safetensors", safetensors({f"w{n}": weights(seed * 20 + n, 10, 10) for n in range(12)}))
    done = collect(project)
    assert done.packed > 0
    assert len(list((project.repo.layout.objects / "packs").glob("*.pack"))) == 1
    assert not list(project.again().store.loose.ids())
    project.assert_sound()


def test_an_operation_whose_commits_are_gone_cannot_be_undone(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    lost = project.save("a", "2")
    project.switch("main")
    delete_branch(project.repo, act=project.act("branch -D topic"), name="topic", force=True)
    gone = operation_log(project.repo)[0].oid
    project.save("b", "1")
    set_value(project.repo, "gc.operations_days", "0", scope="repository", home=project.root)
    collect(project, days_later=1, grace=0)
    assert not project.repo.store.contains(lost)
    refs = project.repo.refs
    with pytest.raises(ModelHubError):
        undo(project.repo, act=project.act("undo"), operation=gone)
    assert project.repo.refs == refs
    with pytest.raises(ModelHubError):
        resolve(project.repo, "topic@{0}")
    project.assert_sound()


def test_what_a_shorter_time_let_go_is_not_missed_later(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    lost = project.save("a", "2")
    project.switch("main")
    delete_branch(project.repo, act=project.act("branch -D topic"), name="topic", force=True)
    project.save("b", "1")
    gc(project.repo, act=project.act("gc"), grace_days=0, operations_days=0)
    assert not project.repo.store.contains(lost)
    assert not collect(project, grace=0).removed
    condemned = project.repo.layout.folder / "condemned"
    condemned.write_text(condemned.read_text().replace("undoable_from", "unknown"))
    with pytest.raises(IntegrityError, match="nothing was deleted"):
        collect(project, grace=0)


def test_the_catalog_forgets_what_gc_took(project: Project) -> None:
    project.save("m.safetensors", safetensors({"w": weights(1, 30, 30)}))
    project.switch("topic", create=True)
    project.save("m.safetensors", safetensors({"w": weights(2, 30, 30)}))
    project.switch("main")
    delete_branch(project.repo, act=project.act("branch -D topic"), name="topic", force=True)
    project.save("b", "1")
    set_value(project.repo, "gc.operations_days", "0", scope="repository", home=project.root)
    collect(project, days_later=1, grace=0)
    answers = all_answers(project.repo)
    forget_catalog(project.repo)
    assert all_answers(project.repo) == answers
    project.assert_sound()


def _tensor(project: Project, commit: str) -> str:
    from modelhub.porcelain.ls import list_tensors

    return list_tensors(project.repo, place=f"{commit}:m.safetensors")[0].oid


def test_what_an_undoable_operation_brings_back_stays_however_old_it_is(project: Project) -> None:
    project.save("a", "1")
    project.switch("topic", create=True)
    lost = project.save("a", "2")
    project.switch("main")
    project.now += 100 * DAY_MS
    delete_branch(project.repo, act=project.act("branch -D topic"), name="topic", force=True)
    collect(project, grace=0)
    undo(project.repo, act=project.act("undo"))
    assert project.files_of(lost) == {"a": ("file", b"2")}


@pytest.mark.parametrize("value", ["inf", "nan", "soon"])
def test_a_setting_that_is_no_finite_number_is_refused(project: Project, value: str) -> None:
    with pytest.raises(InvalidInputError, match="is a number of days"):
        set_value(project.repo, "gc.operations_days", value, scope="repository", home=project.root)
    project.repo.layout.config.write_text(f'[gc]\noperations_days = "{value}"\n')
    with pytest.raises(InvalidInputError, match=f"'gc.operations_days' is '{value}', not a number"):
        gc(project.repo, act=project.act("gc"))
