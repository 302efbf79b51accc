from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping

import pytest
from contracts.project import ADA, Project, safetensors, weights

from modelhub.errors import NotFoundError, PathNotFound, StateError
from modelhub.oid import oid_of
from modelhub.porcelain.branch import delete_branch
from modelhub.porcelain.fsck import fsck
from modelhub.porcelain.gc import gc
from modelhub.porcelain.operations import undo
from modelhub.porcelain.reset import reset
from modelhub.porcelain.status import status
from modelhub.repository.layout import Layout
from modelhub.repository.objects import Commit, Derivation, Evaluation, Run
from modelhub.runs.live import LiveRun, new_run_id
from modelhub.runs.liveness import this_process
from modelhub.runs.notes import Derived, End, Evaluated, Params, Start
from modelhub.runs.pending import list_pending


def begin(layout: Layout, **facts: object) -> LiveRun:
    start = Start(
        id=new_run_id(), name="trial", author=ADA, time=1_700_000_000_000, offset=60, owner=this_process(), **facts  # type: ignore[arg-type]
    )  # fmt: skip
    return LiveRun.begin(layout, start)


def trained(project: Project, metrics: Mapping[str, float] | None = None, **facts: object) -> str:
    """Record a run that has finished; return its id."""
    run = begin(project.repo.layout, **facts)
    for step in range(3):
        run.points(step, 1_700_000_001_000 + step, metrics or {"loss": 1.0 / (step + 1)})
    run.note(End(1_700_000_009_000, "finished", 0))
    run.close()
    return run.id


def recorded(project: Project, commit: str = "") -> Commit:
    return project.repo.get(commit or project.repo.head_commit(), Commit)


def taken(project: Project, commit: str = "") -> list[str]:
    return [project.repo.get(oid, Run).id for oid in recorded(project, commit).runs]


def test_the_next_version_takes_in_a_run_that_has_ended(project: Project) -> None:
    run = trained(project, params={"lr": 0.1})
    project.write("a", "1")
    result = project.commit()
    assert result.runs == (run,)
    assert taken(project) == [run]
    assert list_pending(project.repo.layout) == ()
    project.assert_sound()


def test_params_and_last_metrics_of_the_one_run_are_the_versions(project: Project) -> None:
    trained(project, params={"lr": 0.1, "seed": 1})
    project.write("a", "1")
    commit = recorded(project, project.commit(params={"lr": 0.2}).commit)
    assert commit.params == {"lr": 0.2, "seed": 1}
    assert commit.metrics == {"loss": 1.0 / 3}


def test_of_several_runs_neither_is_said_to_be_the_versions(project: Project) -> None:
    runs = {trained(project, params={"lr": 0.1}), trained(project, params={"lr": 0.2})}
    project.write("a", "1")
    commit = recorded(project, project.commit().commit)
    assert (commit.params, commit.metrics) == ({}, {})
    assert set(taken(project)) == runs


def test_that_no_runs_facts_became_the_versions_is_said(project: Project) -> None:
    trained(project, params={"lr": 0.1})
    trained(project, params={"lr": 0.2})
    project.write("a", "1")
    assert any("2 runs have ended" in warning for warning in project.commit().warnings)


def test_replays_and_runs_that_failed_do_not_count_as_makers(project: Project) -> None:
    one = trained(project, params={"lr": 0.1})
    trained(project, params={"lr": 0.2}, replays=one)
    failed = begin(project.repo.layout, params={"lr": 0.3})
    failed.note(End(2, "failed", 1))
    failed.close()
    project.write("a", "1")
    result = project.commit()
    assert recorded(project, result.commit).params == {"lr": 0.1}
    assert (len(result.runs), result.warnings) == (3, ())


def test_a_run_that_is_not_there_cannot_be_chosen(project: Project) -> None:
    trained(project)
    project.write("a", "1")
    with pytest.raises(NotFoundError, match="nope"):
        project.commit(run="nope")


def test_of_several_runs_one_may_be_named_as_the_versions(project: Project) -> None:
    trained(project, params={"lr": 0.1})
    one = trained(project, params={"lr": 0.2})
    project.write("a", "1")
    commit = recorded(project, project.commit(run=one).commit)
    assert commit.params == {"lr": 0.2}
    assert len(commit.runs) == 2


def test_a_run_alone_is_worth_a_version(project: Project) -> None:
    project.save("a", "1")
    run = trained(project)
    assert status(project.repo).runs_ended == (run,)
    assert not status(project.repo).clean
    assert project.commit().runs == (run,)
    assert status(project.repo).clean
    with pytest.raises(StateError, match="nothing to commit"):
        project.commit()


def test_a_run_that_goes_on_is_left_alone(project: Project) -> None:
    run = begin(project.repo.layout)
    assert status(project.repo).runs_going == (run.id,)
    project.write("a", "1")
    assert project.commit().runs == ()
    run.note(End(1_700_000_009_000, "finished"))
    run.close()
    assert project.commit().runs == (run.id,)


def _log_and_hang(layout: Layout, ready: multiprocessing.synchronize.Event) -> None:
    run = begin(layout, params={"lr": 1})
    run.points(0, 1, {"loss": 0.5})
    ready.set()
    signal.pause()


def test_a_killed_run_is_taken_in_as_interrupted_with_all_it_logged(project: Project) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_log_and_hang, args=(project.repo.layout, ready))
    process.start()
    assert ready.wait(20)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    project.write("a", "1")
    project.commit()
    run = project.repo.get(recorded(project).runs[0], Run)
    assert (run.status, run.series[0].points, run.series[0].last) == ("interrupted", 1, 0.5)


def test_derivations_and_evaluations_of_a_run_are_the_versions(project: Project) -> None:
    first = project.save("m.safetensors", safetensors({"w": weights(1, 9, 9)}))
    run = begin(project.repo.layout)
    run.points(0, 1, {"acc": 0.5})
    run.note(Derived(Derivation("m.safetensors", "fine-tune", first, "m.safetensors")))
    run.note(Evaluated("acc", Evaluation(oid_of(b"test set"), "test.csv")))
    run.note(End(2, "finished"))
    run.close()
    project.write("m.safetensors", safetensors({"w": weights(2, 9, 9)}))
    commit = recorded(project, project.commit().commit)
    assert Derivation("m.safetensors", "fine-tune", first, "m.safetensors") in commit.derivations
    assert commit.evaluations == {"acc": Evaluation(oid_of(b"test set"), "test.csv")}


def test_metrics_said_by_hand_know_what_they_were_measured_on(project: Project) -> None:
    project.write("data/test.csv", "1,2")
    project.write("evaluate.py", "print(1)")
    commit = project.commit(metrics={"acc": 0.5}, data="data/test.csv", code="evaluate.py").commit
    expected = Evaluation(oid_of(b"1,2"), "data/test.csv", oid_of(b"print(1)"), "evaluate.py")
    assert recorded(project, commit).evaluations == {"acc": expected}


def test_a_folder_of_evaluation_data_is_known_by_its_tree(project: Project) -> None:
    project.write("data/test/a.csv", "1")
    project.write("data/test/b.csv", "2")
    one = recorded(project, project.commit(metrics={"acc": 0.5}, data="data/test").commit).evaluations["acc"].data
    project.write("data/other/a.csv", "1")
    project.write("data/other/b.csv", "2")
    two = recorded(project, project.commit(metrics={"acc": 0.5}, data="data/other").commit).evaluations["acc"].data
    project.write("data/other/b.csv", "3")
    three = recorded(project, project.commit(metrics={"acc": 0.5}, data="data/other").commit).evaluations["acc"].data
    assert one == two != three
    project.assert_sound()


def test_evaluation_data_must_be_in_the_version(project: Project) -> None:
    project.write("a", "1")
    with pytest.raises(PathNotFound, match="nowhere"):
        project.commit(metrics={"acc": 0.5}, data="nowhere.csv")


def test_runs_of_a_version_that_is_undone_wait_for_the_next(project: Project) -> None:
    project.save("a", "1")
    run = trained(project)
    project.write("a", "2")
    project.commit()
    undo(project.repo, act=project.act("undo"))
    assert status(project.repo).runs_ended == (run,)
    assert project.commit().runs == (run,)
    assert list_pending(project.repo.layout) == ()


def test_taking_back_the_undo_takes_the_runs_back_too(project: Project) -> None:
    project.save("a", "1")
    trained(project)
    project.write("a", "2")
    project.commit()
    undone = undo(project.repo, act=project.act("undo"))
    assert undone.written == ()
    newest = project.repo.pointer().operation
    undo(project.repo, act=project.act("undo"), operation=newest)
    assert list_pending(project.repo.layout) == ()


def test_runs_come_back_from_a_reset_and_a_deleted_branch(project: Project) -> None:
    first = project.save("a", "1")
    project.switch("topic", create=True)
    run = trained(project)
    project.write("a", "2")
    project.commit()
    project.write("a", "3")
    project.commit()
    reset(project.repo, act=project.act("reset --hard"), revision=first, mode="hard", force=True)
    assert status(project.repo).runs_ended == (run,)
    project.commit()
    project.switch("main")
    delete_branch(project.repo, act=project.act("branch -D topic"), name="topic", force=True)
    assert status(project.repo).runs_ended == (run,)


def test_gc_keeps_what_pending_runs_need(project: Project) -> None:
    project.write("m.safetensors", safetensors({"w": weights(1, 40, 40)}))
    tree = recorded(project, project.commit().commit).tree
    run = begin(project.repo.layout, tree=tree)
    undo(project.repo, act=project.act("undo"))
    project.remove("m.safetensors")
    project.save("b", "1")
    project.now += 200 * 86_400_000
    gc(project.repo, act=project.act("gc"), grace_days=0, operations_days=0)
    assert project.again().store.contains(tree)
    run.note(Params({"lr": 1}))
    run.note(End(2, "finished"))
    run.close()
    project.commit()
    project.assert_sound()


def test_gc_and_fsck_stop_at_a_run_that_cannot_be_read(project: Project) -> None:
    project.save("a", "1")
    run = trained(project)
    log = project.repo.layout.runs / run / "log"
    log.chmod(0o644)
    log.write_bytes(b"garbage")
    assert [problem.place for problem in fsck(project.repo).problems] == [f".mh/runs/{run}"]
    with pytest.raises(Exception, match="damaged"):
        gc(project.repo, act=project.act("gc"), grace_days=0)


def test_a_run_whose_log_outlived_its_version_is_not_taken_in_twice(project: Project) -> None:
    run = trained(project)
    project.write("a", "1")
    folder = project.repo.layout.runs / run
    log = (folder / "log").read_bytes()
    project.commit()
    first = recorded(project).runs
    folder.mkdir(parents=True)
    (folder / "log").write_bytes(log)
    (folder / "log").chmod(0o444)
    project.write("a", "2")
    again = recorded(project, project.commit().commit)
    assert (again.runs, recorded(project, again.parents[0]).runs) == ((), first)
    assert list_pending(project.repo.layout) == ()
