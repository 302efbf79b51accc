from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from contracts.project import Project, safetensors, weights

from modelhub.errors import InvalidInputError, NotFoundError, StateError
from modelhub.porcelain.gc import gc
from modelhub.porcelain.keep import KeepResult, KeepRule, keep, plan_keep
from modelhub.porcelain.tag import create_tag
from modelhub.porcelain.what_if import what_if
from modelhub.repository.forgotten import forgotten_versions

VALUES = [0.5, 0.9, 0.4, 0.8, 0.7, float("nan"), 0.6]


def checkpoints(project: Project) -> list[str]:
    """Commit a model trained on and on, each a delta of the one before, measured but the first."""
    base = weights(0, 120, 120)
    made = [project.save("train.py", "train()")]
    for number, value in enumerate(VALUES):
        base = base + weights(number + 1, 120, 120) * base.dtype.type(0.01)
        project.write("m.safetensors", safetensors({"w": base, "head": weights(100 + number, 40, 40)}))
        made.append(project.commit(f"step {number}", metrics={"acc": value}).commit)
    return made


def plan(project: Project, revisions: Sequence[str] = (), *, metric: str = "acc", **rule: Any) -> KeepResult:
    said = KeepRule(metric, **({"count": 2} | rule))
    return plan_keep(project.repo, rule=said, now=project.now, revisions=revisions)


def stored(project: Project) -> dict[str, int]:
    store = project.again().store
    return {oid: store.info(oid).stored_nbytes for oid in store.ids()}


def test_the_best_the_newest_and_what_refs_name_stay(project: Project) -> None:
    made = checkpoints(project)
    create_tag(project.repo, act=project.act(), name="v1", revision=made[3])
    found = plan(project, newest=2)
    kept = {version.commit: version.reasons for version in found.kept}
    assert kept == {
        made[2]: ("best",), made[4]: ("best",), made[6]: ("newest",), made[7]: ("newest", "main"), made[3]: ("v1",),
    }  # fmt: skip
    assert [version.commit for version in found.forgotten] == [made[5], made[1]]
    assert found.unmeasured == 1
    assert not found.marked
    assert forgotten_versions(project.repo) == {}


def test_what_the_plan_says_is_what_gc_frees(project: Project) -> None:
    checkpoints(project)
    found = plan(project)
    done = keep(project.repo, found, act=project.act("keep"))
    assert done.marked
    before = stored(project)
    gc(project.repo, act=project.act("gc"), grace_days=0)
    after = stored(project)
    assert sum(before.values()) - sum(after.values()) == found.freed_nbytes
    assert len(before) - len(after) == found.freed_objects
    assert found.freed_nbytes > 0
    project.repo = project.again()
    for version in found.kept:
        project.files_of(version.commit)
    project.assert_sound()


def test_lowest_turns_the_order_and_a_range_bounds_the_choice(project: Project) -> None:
    made = checkpoints(project)
    found = plan(project, lowest=True, count=1, revisions=[f"{made[2]}..{made[5]}"])
    assert [version.commit for version in found.kept] == [made[3]]
    assert {version.commit for version in found.forgotten} == {made[4], made[5]}


def test_forgotten_versions_are_not_judged_again(project: Project) -> None:
    made = checkpoints(project)
    keep(project.repo, plan(project), act=project.act("keep"))
    again = plan(project, lowest=True)
    assert again.before == 4
    assert {version.commit for version in again.kept} == {made[4], made[7]}
    assert {version.commit for version in again.forgotten} == {made[2]}


def test_a_plan_that_a_new_tag_contradicts_marks_nothing(project: Project) -> None:
    made = checkpoints(project)
    found = plan(project)
    create_tag(project.repo, act=project.act(), name="late", revision=made[1])
    with pytest.raises(StateError, match="is late: it cannot be forgotten"):
        keep(project.repo, found, act=project.act("keep"))
    assert forgotten_versions(project.repo) == {}


def test_nothing_to_forget_records_no_operation(project: Project) -> None:
    checkpoints(project)
    before = project.repo.pointer()
    assert not keep(project.repo, plan(project, count=20), act=project.act("keep")).marked
    assert project.repo.pointer() == before


def test_an_unknown_metric_and_a_count_of_none_are_refused(project: Project) -> None:
    checkpoints(project)
    with pytest.raises(NotFoundError):
        plan(project, metric="accu")
    with pytest.raises(InvalidInputError):
        plan(project, count=0)


@pytest.mark.parametrize("change", ["drop {0}", "drop {0} {2}", "drop {0}..{4}", "drop ..HEAD {3}", "drop {0}..HEAD"])
def test_what_if_says_to_the_byte_what_gc_frees(project: Project, change: str) -> None:
    made = checkpoints(project)
    found = what_if(project.repo, change=change.format(*made[1:]), now=project.now)
    from modelhub.porcelain.forgetting import mark_forgotten

    assert project.repo.head_commit() not in found.versions
    with project.repo.writing():
        mark_forgotten(project.repo, project.act("keep"), found.versions)
    before = stored(project)
    gc(project.repo, act=project.act("gc"), grace_days=0)
    after = stored(project)
    assert sum(before.values()) - sum(after.values()) == found.freed_nbytes
    assert before.keys() - after.keys() == {item.oid for item in found.objects}


def test_what_if_refuses_what_cannot_be_dropped(project: Project) -> None:
    made = checkpoints(project)
    with pytest.raises(StateError, match="is main"):
        what_if(project.repo, change="drop main", now=project.now)
    for change in ("", "drop", "keep main", f"squash {made[0]}"):
        with pytest.raises(InvalidInputError):
            what_if(project.repo, change=change, now=project.now)
    with pytest.raises(NotFoundError):
        what_if(project.repo, change="drop nowhere", now=project.now)
    assert what_if(project.repo, change="drop main..main", now=project.now).freed_nbytes == 0
