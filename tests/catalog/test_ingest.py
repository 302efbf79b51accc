from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from contracts.answers import all_answers, forget_catalog
from contracts.project import Project, safetensors, weights

from modelhub.catalog import facts, ingest
from modelhub.catalog.ingest import check_catalog
from modelhub.catalog.opening import open_current
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.porcelain.log import log
from modelhub.porcelain.merge import merge
from modelhub.porcelain.reindex import reindex
from modelhub.porcelain.tag import create_tag
from modelhub.repository.repository import Repository


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def rich(project: Project) -> Project:
    """A history with every kind of row in it."""
    base = {"w": weights(1, 40, 40), "b": weights(2, 40), "mask": np.arange(40, dtype="int8")}
    project.write("models/m.safetensors", safetensors(base))
    project.write("notes/deep/a.txt", "1")
    first = project.commit(
        "first", params={"lr": 0.1, "name": "adam", "on": True}, metrics={"loss": 1.0, "bad": float("nan")}
    )
    project.switch("topic", create=True)
    broken = safetensors({"w": np.full((40, 40), np.nan, "float32"), "b": weights(3, 40), "mask": base["mask"]})
    project.write("models/m.safetensors", broken)
    project.commit("tuned\n\nbody", derive=(DeriveSpec(first.commit, "warm-start"),), metrics={"loss": 0.5})
    project.switch("main")
    project.write("models/cut.safetensors", safetensors(base)[:-3])
    project.commit("a truncated file")
    merge(project.repo, act=project.act("merge topic"), revision="topic")
    create_tag(project.repo, act=project.act("tag"), name="v1")
    project.checkout("HEAD~1")
    return project


def test_a_catalog_made_anew_gives_the_same_answers(rich: Project) -> None:
    before = all_answers(rich.repo)
    assert all(
        before[view] for view in ("commits", "files", "tensors", "tensor_changes", "lint", "params", "derivations")
    )
    forget_catalog(rich.repo)
    assert all_answers(rich.repo) == before
    found = reindex(rich.repo)
    assert (found.commits, found.files > 0, found.tensors > 0) == (4, True, True)
    assert all_answers(rich.repo) == before


def test_a_sound_catalog_spares_decoding_tensors(rich: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = all_answers(rich.repo)
    measured: list[str] = []
    measure = facts.measure

    def counting(repository: Repository, oid: str, dtype: str) -> object:
        measured.append(oid)
        return measure(repository, oid, dtype)

    monkeypatch.setattr(facts, "measure", counting)
    reindex(rich.repo)
    assert measured == []
    assert all_answers(rich.repo) == before
    forget_catalog(rich.repo)
    reindex(rich.repo)
    assert measured
    assert all_answers(rich.repo) == before


def test_a_number_that_was_changed_in_the_file_is_not_carried_over(rich: Project) -> None:
    before = all_answers(rich.repo)
    with contextlib.closing(sqlite3.connect(rich.repo.layout.catalog)) as connection, connection:
        connection.execute("update mh_tensors set norm = norm * 2 where norm is not null")
    assert all_answers(rich.repo) != before
    reindex(rich.repo)
    assert all_answers(rich.repo) == before


def test_what_was_staged_in_steps_gives_the_answers_of_one_commit(project: Project) -> None:
    project.write("a.safetensors", safetensors({"w": weights(1, 40, 40)}))
    project.add()
    project.write("b.safetensors", safetensors({"w": weights(2, 40, 40)}))
    project.add()
    project.commit()
    before = all_answers(project.repo)
    forget_catalog(project.repo)
    assert all_answers(project.repo) == before


def test_a_catalog_that_is_behind_rolls_forward(rich: Project) -> None:
    old = rich.repo.layout.catalog.read_bytes()
    rich.switch("main")
    rich.save("more.txt", "1")
    now = all_answers(rich.repo)
    rich.repo.layout.catalog.write_bytes(old)
    assert len(list(log(rich.repo))) == 5
    assert all_answers(rich.repo) == now


def test_a_catalog_of_another_history_is_replaced(rich: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    other.save("x", "1")
    before = all_answers(rich.repo)
    rich.repo.layout.catalog.write_bytes(other.repo.layout.catalog.read_bytes())
    assert all_answers(rich.repo) == before


def test_while_another_writes_a_reader_rolls_forward_in_memory(rich: Project) -> None:
    before = all_answers(rich.repo)
    old = rich.repo.layout.catalog.read_bytes()
    rich.switch("main")
    commits = [entry.commit for entry in log(rich.repo)]
    rich.repo.layout.catalog.write_bytes(old)
    with rich.again().writing():
        assert [entry.commit for entry in log(rich.repo)] == commits
        assert rich.repo.layout.catalog.read_bytes() == old
        forget_catalog(rich.repo)
        assert [entry.commit for entry in log(rich.repo)] == commits
        assert not rich.repo.layout.catalog.exists()
    rich.checkout("HEAD~1")
    assert all_answers(rich.repo)["tensors"] == before["tensors"]


def test_a_commit_is_made_even_where_the_catalog_cannot_follow(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.save("a", "1")

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(ingest, "roll_forward", full)
    commit = project.save("a", "2")
    monkeypatch.undo()
    assert next(log(project.again())).commit == commit


def test_many_readers_at_once_bring_it_up_to_date_once(rich: Project) -> None:
    forget_catalog(rich.repo)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(list(log(rich.again(), all_refs=True))))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [4] * 6
    assert check_catalog(rich.repo) is None


def test_a_journal_left_by_a_killed_writer_is_played_back(rich: Project) -> None:
    """A hot journal beside the file: opened read-only it cannot be used, so it is mended by a writer first."""
    before = all_answers(rich.repo)
    catalog = rich.repo.layout.catalog
    copy = catalog.with_name("copy.db")
    with contextlib.closing(sqlite3.connect(catalog)) as connection:
        connection.execute("pragma cache_size = 1")
        connection.execute("begin immediate")
        connection.execute("delete from mh_commits")
        connection.execute("create table filler as select randomblob(200000) as x")
        copy.write_bytes(catalog.read_bytes())
        journal = catalog.with_name("catalog.db-journal").read_bytes()
        connection.execute("rollback")
    copy.replace(catalog)
    catalog.with_name("catalog.db-journal").write_bytes(journal)
    assert all_answers(rich.again()) == before


def test_the_catalog_is_missing_until_it_is_needed(project: Project) -> None:
    assert check_catalog(project.repo) is None
    project.save("a", "1")
    with open_current(project.repo) as connection:
        assert connection.execute("select count(*) from commits").fetchone() == (1,)
