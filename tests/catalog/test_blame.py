from __future__ import annotations

import contextlib
from pathlib import Path
from sqlite3 import Connection

import numpy as np
import pytest
from contracts.project import Project, safetensors, weights

from modelhub.catalog import database, rows
from modelhub.catalog.blame import Blamed, has_folder, read_blame
from modelhub.catalog.opening import open_current
from modelhub.porcelain.merge import MergeChoices, merge


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def blamed(project: Project, path: str = "m.safetensors", commit: str | None = None) -> dict[str | None, Blamed]:
    with open_current(project.repo) as connection:
        found = read_blame(connection, commit or project.repo.head_commit(), path)
    assert found is not None
    return {line.tensor: line for line in found}


def commits(project: Project, path: str = "m.safetensors") -> dict[str | None, str]:
    return {name: line.commit for name, line in blamed(project, path).items()}


def model(**seeds: int) -> bytes:
    return safetensors({name: weights(seed, 4, 4) for name, seed in seeds.items()})


def add_version(connection: Connection, number: int, parents: list[int], tensors: dict[str, int]) -> None:
    """Add rows of a commit with a file 'm'; the number of a tensor is 100 times the value given, plus its place."""
    tree, manifest = 20_000 + number, 40_000 + number
    rows.add_commits(connection, [(number, tree, number, "A", "", number, 0, str(number), None, None, None, "{}")])
    rows.add_parents(connection, [(number, place, parent) for place, parent in enumerate(parents)])
    rows.add_directories(connection, [(number, "", tree)])
    rows.add_entries(connection, [(tree, "m", "file", 1, manifest, manifest)])
    named = [
        (manifest, place, name, "int8", "[1]", 1, 1, 0, 100 * value + place)
        for place, (name, value) in enumerate(tensors.items(), 1)
    ]
    rows.add_manifest_tensors(connection, named)


def name_oids(connection: Connection) -> None:
    connection.execute("insert into mh_oids (no, oid) select no, printf('%064x', no) from mh_commits")


def test_each_tensor_has_the_commit_that_last_changed_it(project: Project) -> None:
    first = project.save("m.safetensors", model(a=1, b=1, c=1))
    second = project.save("m.safetensors", model(a=1, b=2, c=1))
    project.save("other", "x")
    third = project.save("m.safetensors", model(a=1, b=2, c=3))
    project.save("other", "y")
    assert commits(project) == {"a": first, "b": second, "c": third}
    assert list(commits(project)) == ["a", "b", "c"]


def test_changed_and_changed_back_is_a_change(project: Project) -> None:
    project.save("m.safetensors", model(a=1))
    project.save("m.safetensors", model(a=2))
    third = project.save("m.safetensors", model(a=1))
    assert commits(project) == {"a": third}


def test_another_name_or_path_is_another_tensor(project: Project) -> None:
    first = project.save("m.safetensors", model(a=1, b=2))
    renamed = project.save("m.safetensors", model(c=1, b=2))
    assert commits(project) == {"c": renamed, "b": first}
    assert blamed(project)["c"].change == "added"
    swapped = project.save("m.safetensors", model(b=1, c=2))
    assert commits(project) == {"b": swapped, "c": swapped}
    project.write("n.safetensors", project.read("m.safetensors"))
    project.remove("m.safetensors")
    moved = project.commit().commit
    assert set(commits(project, "n.safetensors").values()) == {moved}


def test_another_order_or_shape_changes_no_tensor(project: Project) -> None:
    first = project.save("m.safetensors", model(a=1, b=2, c=3))
    project.save("m.safetensors", model(c=3, b=2, a=1))
    project.save(
        "m.safetensors",
        safetensors({name: weights(n, 4, 4).reshape(16) for name, n in zip("cba", (3, 2, 1), strict=True)}),
    )
    assert set(commits(project).values()) == {first}


def test_the_same_bytes_under_another_dtype_are_a_change(project: Project) -> None:
    values = weights(1, 4, 4)
    project.save("m.safetensors", safetensors({"a": values}))
    second = project.save("m.safetensors", safetensors({"a": values.view(np.int32)}))
    assert commits(project) == {"a": second}


def test_a_merge_is_seen_through_to_both_sides_of_a_file() -> None:
    """1 <- 2, 1 <- 3, and 4 merges 2 and 3: it has b of the one, c of the other, and d as neither has it."""
    with contextlib.closing(database.create_catalog(None)) as connection, database.transaction(connection):
        add_version(connection, 1, [], {"a": 1, "b": 1, "c": 1, "d": 1})
        add_version(connection, 2, [1], {"a": 1, "b": 2, "c": 1, "d": 1})
        add_version(connection, 3, [1], {"a": 1, "b": 1, "c": 3, "d": 1})
        add_version(connection, 4, [2, 3], {"a": 1, "b": 2, "c": 3, "d": 4})
        add_version(connection, 5, [4], {"a": 1, "b": 2, "c": 3, "d": 4})
        name_oids(connection)
        rows.add_differences(connection, [(104, 404, 0.5, 1, 1, 1, 0, 0), (103, 303, 0.25, 1, 1, 1, 0, 0)])
        found = read_blame(connection, f"{5:064x}", "m")
    assert found is not None
    assert {line.tensor: line.summary for line in found} == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert {line.tensor: line.relative for line in found} == {"a": None, "b": None, "c": 0.25, "d": 0.5}


def test_a_merge_that_takes_one_side_blames_that_side(project: Project) -> None:
    first = project.save("m.safetensors", model(a=1, b=1))
    project.switch("topic", create=True)
    on_topic = project.save("m.safetensors", model(a=2, b=1))
    project.switch("main")
    project.save("m.safetensors", model(a=1, b=2))
    merge(project.repo, act=project.act("merge"), revision="topic", choices=MergeChoices({}, take="theirs"))
    assert commits(project) == {"a": on_topic, "b": first}


def test_a_parent_that_gc_has_taken_ends_the_search() -> None:
    with contextlib.closing(database.create_catalog(None)) as connection, database.transaction(connection):
        add_version(connection, 2, [1], {"a": 1})
        name_oids(connection)
        found = read_blame(connection, f"{2:064x}", "m")
    assert found is not None
    assert [(line.summary, line.change) for line in found] == [("2", "added")]


def test_a_merge_that_one_side_decides_blames_that_side(project: Project) -> None:
    first = project.save("m.safetensors", model(a=1, b=1))
    project.switch("topic", create=True)
    on_topic = project.save("m.safetensors", model(a=2, b=1))
    project.switch("main")
    project.save("other", "x")
    merge(project.repo, act=project.act("merge"), revision="topic")
    after = project.save("m.safetensors", model(a=2, b=1, c=1))
    assert commits(project) == {"a": on_topic, "b": first, "c": after}


def test_a_file_deleted_and_brought_back_is_new(project: Project) -> None:
    project.save("m.safetensors", model(a=1))
    project.remove("m.safetensors")
    project.commit()
    again = project.save("m.safetensors", model(a=1))
    assert commits(project) == {"a": again}
    assert blamed(project)["a"].change == "added"


def test_a_plain_file_has_one_commit(project: Project) -> None:
    project.save("d/run.sh", "1")
    second = project.save("d/run.sh", "2")
    project.save("other", "x")
    assert commits(project, "d/run.sh") == {None: second}
    assert blamed(project, "d/run.sh")[None].change == "changed"
    project.write("d/run.sh", "2", executable=True)
    third = project.commit().commit
    assert commits(project, "d/run.sh") == {None: third}


def test_a_plain_file_that_became_a_model_is_new_there(project: Project) -> None:
    project.save("m.safetensors", "no model yet")
    line = blamed(project, commit=project.save("m.safetensors", model(a=1)))["a"]
    assert (line.change, line.relative) == ("added", None)


def test_what_is_not_there_has_no_blame(project: Project) -> None:
    commit = project.save("d/a", "1")
    with open_current(project.repo) as connection:
        assert read_blame(connection, commit, "d") is None
        assert read_blame(connection, commit, "nowhere") is None
        assert read_blame(connection, "0" * 64, "d/a") is None
        assert has_folder(connection, commit, "d")
        assert not has_folder(connection, commit, "d/a")


def test_a_long_history_is_followed_to_its_beginning() -> None:
    """Ten thousand versions in rows alone; in every one tensor 0 changes, and each third is a merge."""
    with contextlib.closing(database.create_catalog(None)) as connection, database.transaction(connection):
        many = 10_000
        for number in range(1, many + 1):
            parents = [number - 1, number - 2] if number > 2 and number % 3 == 0 else [number - 1]
            add_version(
                connection, number, parents if number > 1 else [], {"a": number, "b": 1, "c": 1, "d": 1, "e": 1}
            )
        name_oids(connection)
        found = read_blame(connection, f"{many:064x}", "m")
    assert found is not None
    assert [line.summary for line in found] == [str(many), "1", "1", "1", "1"]
