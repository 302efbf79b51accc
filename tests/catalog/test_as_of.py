"""A moment of the past answers as it would have been answered then."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from contracts.logged_run import begin, finished
from contracts.project import START_MS, Project, safetensors, weights

from modelhub.catalog.as_of import find_moment, open_as_of
from modelhub.catalog.asking import ask
from modelhub.catalog.opening import open_current
from modelhub.catalog.views.registry import VIEWS
from modelhub.errors import InvalidInputError, RefNotFound, StateError
from modelhub.porcelain.gc import gc
from modelhub.porcelain.operations import undo
from modelhub.porcelain.query import query
from modelhub.porcelain.tag import create_tag
from modelhub.repository.objects import Operation

ABOUT_ALL = [view.name for view in VIEWS]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def answers(project: Project, as_of: str | None = None) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for view in ABOUT_ALL:
        result = ask(project.again(), f"select * from {view}", params={}, limit_rows=None, timeout_s=60.0, as_of=as_of)
        found[view] = sorted(result.rows(), key=repr)
    return found


def newest(project: Project) -> str:
    return project.again().pointer().operation


def test_each_operation_gives_the_answers_of_its_time(project: Project) -> None:
    then = {}

    def note() -> None:
        then[newest(project)] = answers(project)

    note()
    project.write("data.bin", bytes(range(256)) * 3000)
    project.write("m.safetensors", safetensors({"a.w": weights(1, 40, 40)}))
    project.commit("first", metrics={"loss": 1.0}, params={"lr": 0.1})
    note()
    finished(project.repo.layout, "00000000000000a1")
    project.write("m.safetensors", safetensors({"a.w": weights(2, 40, 40)}))
    project.commit("with a run")
    note()
    project.switch("topic", create=True)
    note()
    project.save("m.safetensors", safetensors({"a.w": weights(3, 40, 40)}))
    create_tag(project.repo, act=project.act("tag"), name="v1")
    note()
    undo(project.repo, act=project.act("undo"))
    undo(project.repo, act=project.act("undo"))
    note()
    project.switch("main")
    project.save("m.safetensors", safetensors({"a.w": weights(4, 40, 40)}))
    note()
    for operation, expected in then.items():
        found = answers(project, f"op:{operation[:20]}")
        for view in ABOUT_ALL:
            assert found[view] == expected[view], view


def test_a_time_is_that_of_the_newest_operation_before(project: Project) -> None:
    project.save("a", "1")
    first = project.now
    project.save("a", "2")

    def commits(moment: str) -> int:
        return int(query(project.repo, sql="select count(*) from commits", as_of=moment).rows()[0][0])  # type: ignore[arg-type]

    def iso(milliseconds: int) -> str:
        return datetime.fromtimestamp(milliseconds / 1000).astimezone().isoformat()

    assert commits(iso(first)) == 1
    assert commits(iso(first - 1)) == 0
    assert commits(iso(project.now)) == 2
    assert commits(datetime.fromtimestamp(START_MS / 1000).strftime("%Y-%m-%d")) == 2
    assert commits("2023-11-14 22:13:21.500Z") == 0
    assert commits("2023-11-15T00:13:22.000+02:00") == 1
    assert commits("2999-01-01") == 2


def test_a_revision_is_when_a_ref_first_held_it(project: Project) -> None:
    first = project.save("a", "1")
    project.save("a", "2")
    create_tag(project.repo, act=project.act("tag"), name="v1", revision=first)
    third = project.save("a", "3")
    for text, count in (("v1", 1), (first[:12], 1), ("HEAD~1", 2), ("main", 3), (third, 3), ("@{1}", 2)):
        assert query(project.repo, sql="select count(*) from commits", as_of=text).rows() == [(count,)], text


def test_pending_runs_belong_to_now_alone(project: Project) -> None:
    project.save("a", "1")
    run = begin(project.repo.layout)
    sql = "select count(*) from runs"
    assert query(project.repo, sql=sql, as_of="HEAD").rows() == [(1,)]
    assert query(project.repo, sql=sql, as_of="2999-01-01").rows() == [(1,)]
    yesterday = (datetime.now() - timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    assert query(project.repo, sql=sql, as_of=yesterday).rows() == [(0,)]
    project.save("a", "2")
    assert query(project.repo, sql=sql, as_of="HEAD~1").rows() == [(0,)]
    run.close()


def test_what_cannot_be_answered_is_said(project: Project) -> None:
    project.save("a", "1")
    project.save("a", "2")
    with pytest.raises(RefNotFound, match="nothing here yet at '2001-01-01'") as caught:
        open_as_of(project.repo, "2001-01-01")
    assert "2023-11-14T22:13:21Z" in (caught.value.hint or "")
    with pytest.raises(InvalidInputError, match="no date or time"):
        open_as_of(project.repo, "2026-13-41")
    with pytest.raises(RefNotFound, match="'nothing' is no date, operation or revision"):
        open_as_of(project.repo, "nothing")
    with pytest.raises(RefNotFound, match="no operation 'abcd'"):
        open_as_of(project.repo, "op:abcd")
    operation = newest(project)
    undo(project.repo, act=project.act("undo"))
    assert query(project.repo, sql="select count(*) from commits", as_of=operation).rows() == [(2,)]
    gc(project.repo, act=project.act("gc"), grace_days=0, operations_days=0)
    with pytest.raises(StateError, match="branch 'main' held then was deleted by gc"):
        open_as_of(project.repo, operation)


def test_the_moment_is_found_in_the_catalog(project: Project) -> None:
    project.save("a", "1")
    with open_current(project.repo) as connection:
        moment = find_moment(project.repo, connection, newest(project)[:12])
        assert (moment.operation, moment.is_now) == (newest(project), True)
        first = list(project.repo.operations())[-1][0]
        assert not find_moment(project.repo, connection, f"op:{first}").is_now
    assert project.repo.get(first, Operation).sequence == 0
