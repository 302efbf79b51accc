"""Rows go in once, under numbers that stay, and come out of the views as people expect them."""

import pytest

from modelhub.catalog import database, rows
from modelhub.catalog.query import sql

from .conftest import fill, oid


def one(catalog, text, **params):
    return sql.run(catalog, text, params=params).rows()


def test_an_id_keeps_its_number():
    connection = database.create_catalog(None)
    numbers = [rows.oid_no(connection, name) for name in ("a", "b", "a")]
    assert numbers[0] == numbers[2] != numbers[1]
    assert rows.known_oid_no(connection, "b") == numbers[1]
    assert rows.known_oid_no(connection, "c") is None
    connection.close()


def test_putting_everything_in_twice_changes_nothing(catalog):
    before = {
        name: one(catalog, f"select * from {name}") for name in ("commits", "tensors", "tensor_changes", "refs", "lint")
    }
    connection = database.open_catalog(catalog)
    with database.transaction(connection):
        fill(connection)
    connection.close()
    assert before == {name: one(catalog, f"select * from {name}") for name in before}


def test_known_things_are_found(catalog):
    connection = database.open_catalog(catalog)
    number = rows.oid_no(connection, oid(1))
    assert rows.has_commit(connection, number)
    assert not rows.has_commit(connection, rows.oid_no(connection, oid(31)))
    assert rows.has_manifest(connection, rows.oid_no(connection, oid(21)))
    assert rows.has_tree(connection, rows.oid_no(connection, oid(11)))
    assert not rows.has_tree(connection, number)
    connection.close()


def test_a_commit_shows_its_time_summary_and_generation(catalog):
    (row,) = one(catalog, "select time, summary, generation, message from commits where id = :id", id=oid(5))
    assert row == ("2023-11-14T22:13:25.000Z", "commit 5", 4, "commit 5\n\nwhy: because")


def test_files_have_paths_and_ordinary_ones_no_format(catalog):
    found = one(catalog, "select path, format, tensors, mode from files where commit_id = :id order by path", id=oid(1))
    assert found == [("m.safetensors", "safetensors", 2, "file"), ("sub/dir/read me.txt", None, None, "exec")]


def test_a_tensor_has_statistics_and_a_view_of_another_shape_none(catalog):
    found = one(
        catalog,
        "select name, mean, stored_nbytes, base_id, depth, is_view from tensors where commit_id = :id order by name",
        id=oid(3),
    )
    assert found == [("part", None, 5, oid(31), 1, 1), ("w", 1.5, 5, oid(31), 1, 0)]


def test_changes_compare_with_the_first_parent(catalog):
    found = one(catalog, "select commit_id, parent_id, path, name, relative from tensor_changes order by name")
    assert found == [(oid(2), oid(1), "m.safetensors", name, 0.5) for name in ("part", "w")]


def test_ancestry_gives_the_shortest_way(catalog):
    found = one(catalog, "select ancestor_id, distance from ancestry where commit_id = :id", id=oid(5))
    assert sorted(found) == [(oid(1), 3), (oid(2), 2), (oid(3), 1), (oid(4), 1), (oid(5), 0)]


def test_descendants_are_ancestry_the_other_way(catalog):
    up = one(catalog, "select commit_id, ancestor_id, distance from ancestry")
    down = one(catalog, "select descendant_id, commit_id, distance from descendants")
    assert sorted(up) == sorted(down)


def test_a_nan_metric_is_null_and_infinity_is_kept(catalog):
    found = dict(one(catalog, "select commit_id, value from metrics"))
    assert found == {oid(2): 0.5, oid(3): float("inf"), oid(4): None}


def test_refs_are_replaced_as_a_whole(catalog):
    connection = database.open_catalog(catalog)
    with database.transaction(connection):
        rows.replace_refs(connection, [("tag", "only", rows.oid_no(connection, oid(1)), 0)])
    connection.close()
    assert one(catalog, "select * from refs") == [("only", "tag", oid(1), 0)]


def test_sketches_are_candidates_of_one_dtype_and_size(catalog):
    connection = database.open_catalog(catalog)
    assert [name for name, _ in rows.sketches(connection, "float32", 6)] == [oid(32), oid(31)]
    assert rows.sketches(connection, "float32", 7) == []
    assert rows.sketches(connection, "bfloat16", 6) == []
    connection.close()


@pytest.mark.parametrize(
    "view",
    [
        "files",
        "tensors",
        "params",
        "metrics",
        "parents",
        "tensor_changes",
        "models",
        "layers",
        "ancestry",
        "descendants",
    ],
)
def test_naming_a_commit_reads_no_other(catalog, view):
    plan = one(catalog, f"explain query plan select * from {view} where commit_id = 'x'")
    scans = [row[3] for row in plan if row[3].startswith("SCAN")]
    allowed = ("SCAN j VIRTUAL", "SCAN CONSTANT", "SCAN w", "SCAN mh_walk", "SCAN (subquery", "SCAN layers")
    assert all(scan.startswith(allowed) for scan in scans), plan
