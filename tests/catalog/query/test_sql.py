"""Queries answer, and those that cannot be understood are answered with the place and the nearest name."""

import sqlite3
import threading

import pytest

from modelhub.catalog import database
from modelhub.catalog.database import CatalogUnusableError
from modelhub.catalog.query import sql
from modelhub.errors import QuerySyntaxError


def refused(catalog, text, **options):
    with pytest.raises(QuerySyntaxError) as caught:
        sql.run(catalog, text, **options)
    assert caught.value.text == text
    return caught.value


ANSWERS = [
    ("select 1, 'a', null, 1.5, x'00'", [(1, "a", None, 1.5, b"\x00")]),
    ("values (1), (2)", [(1,), (2,)]),
    ("select count(*) from commits -- all of them", [(5,)]),
    ("SELECT Count(*) FROM Commits;", [(5,)]),
    ("select count(*) from commits ; -- done", [(5,)]),
    ("with x as (select 1 as a) select count(*) from x", [(1,)]),
    ("with x(a) as (select id from commits) select count(a) from x", [(5,)]),
    ("select count(*) from (select name from refs) as commits", [(3,)]),
    ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select sum(i) from n", [(15,)]),
    ("select name, rank() over (order by name) from refs where kind = 'tag'", [("v1", 1)]),
    ("select shape ->> 0, json_array_length(shape) from tensors where name = 'w' limit 1", [(2, 2)]),
    ("select sum(value) from tensors, json_each(shape) where name = 'w' and commit_id like '%1'", [(5,)]),
    ("select round(sqrt(2), 3), upper('a'), trim(' a '), replace('abc', 'b', 'x')", [(1.414, "A", "a", "axc")]),
    ("select summary from commits where time >= '2023-11-14T22:13:25'", [("commit 5",)]),
    ("select count(*) from commits c join parents p on p.commit_id = c.id", [(5,)]),
    ("select 'mh_something', 'it''s; fine'", [("mh_something", "it's; fine")]),
    ('select name as "The name" from refs where "kind" = \'tag\'', [("v1",)]),
    ("select value from params where number < 0.01", [("0.001",)]),
    ("select cast(x'ff' as text)", [("�",)]),
    ("select max(value) from metrics", [(float("inf"),)]),
    ("select date('2026-03-01', '+1 day')", [("2026-03-02",)]),
]


@pytest.mark.parametrize(("text", "rows"), ANSWERS)
def test_a_query_answers(catalog, text, rows):
    assert sql.run(catalog, text).rows() == rows


@pytest.mark.parametrize(("text", "rows"), ANSWERS)
def test_a_catalog_in_memory_answers_alike(catalog, text, rows):
    source = sqlite3.connect(catalog)
    copy = sqlite3.connect(":memory:")
    source.backup(copy)
    source.close()
    assert sql.run(None, text, in_memory=copy).rows() == rows
    copy.close()


# The text with the place marked by ^, what the message holds, what the hint holds.
MISTAKES = [
    ("select ^val_los from metrics", "no column named 'val_los'", "did you mean 'val_loss'?"),
    ("select ^val_loss from metrics", "no column named 'val_loss'", "in the view metrics"),
    ("select ^optimiser from commits", "no column named 'optimiser'", "'optimizer' is a name in the view params"),
    ("select ^lr from params", "'lr'", "view params"),
    ("select ^summry from commits", "no column named 'summry'", "did you mean 'summary'?"),
    ("select 'summry', c.id, ^c.summry from commits c", "no column named 'summry'", "did you mean 'summary'?"),
    ("select id /* x.zzzqq */ from commits where ^zzzqq = 1", "no column named 'zzzqq'", "commits has id, tree"),
    ("select ^qqqqzz", "no column named 'qqqqzz'", "the views are: commits"),
    ('select id from commits where author = ^"Ada"', "no column named 'ada'", "single quotes: 'Ada'"),
    ("select * from ^comits", "no view named 'comits'", "did you mean 'commits'?"),
    ("select * from ^main.leyers", "no view named 'main.leyers'", "the views are:"),
    ("select * from refs, ^zzz", "no view named 'zzz'", "the views are:"),
    ("select ^name from refs, metrics", "several views", "VIEW.name"),
    ("select ^medain(1)", "no function named 'medain'", "did you mean"),
    ("select ^instr(1)", "does not take that many", ""),
    ("select ^printf('%d', 1)", "'printf' is not allowed", "round"),
    ("select id from commits where ^count(*) > 1", "'count' counts over rows", "having"),
    ("select id, ^, time from commits", "cannot understand ','", "just before it"),
    ("select * ^form commits", "cannot understand 'form'", ""),
    ("select * from commits c ^commits where 1", "cannot understand 'commits'", ""),
    ("select * from ^commit", "cannot understand 'commit'", "did you mean 'commits'?"),
    ("select * from commits where^", "ends too early", "missing"),
    ("select (1 + 2^", "ends too early", "missing"),
    ("select ^'abc from commits", "cannot read 'abc", "quote is not closed"),
    ("^drop table commits", "begins with 'select'", "read-only"),
    ("  ^update commits set id = 1", "not with 'update'", "read-only"),
    ("select 1; ^select 2", "one statement", ";"),
    ("select * from ^mh_commits", "not a public view", "the views are:"),
    ("select * from ^sqlite_master", "not a public view", "the views are:"),
    ("with ^commits as (select 1) select 1", "table of your own", "another name"),
    ("select ^:name", "no value for ':name'", "params"),
    ("select ?", "'?' has no value", ":name"),
]


@pytest.mark.parametrize(("marked", "message", "hint"), MISTAKES)
def test_a_mistake_is_shown_where_it_is(catalog, marked, message, hint):
    text = marked.replace("^", "")
    error = refused(catalog, text)
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.position == (marked.index("^") if "^" in marked else None)


def test_values_come_by_name(catalog):
    result = sql.run(
        catalog, "select :a + 1, :b, @c, $d", params={"a": 1, "b": "x; drop", "c": None, "d": b"1", "e": 0}
    )
    assert result.rows() == [(2, "x; drop", None, b"1")]


@pytest.mark.parametrize("value", [2**70, object(), [1]])
def test_a_value_that_sql_has_not_is_refused(catalog, value):
    refused(catalog, "select :a", params={"a": value})


def test_rows_are_cut_at_the_limit(catalog):
    result = sql.run(catalog, "select id from commits", limit_rows=2)
    assert (len(result), result.truncated) == (2, True)
    result = sql.run(catalog, "select id from commits", limit_rows=5)
    assert (len(result), result.truncated) == (5, False)
    assert sql.run(catalog, "select id from commits", limit_rows=0).truncated
    assert len(sql.run(catalog, "select id from commits", limit_rows=None)) == 5


def test_a_query_is_stopped_at_its_time(catalog):
    error = refused(
        catalog, "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n", timeout_s=0.2
    )
    assert "0.2 seconds" in error.message
    assert "commit_id" in error.hint


@pytest.mark.parametrize("place", ["first", "inside"])
def test_a_damaged_catalog_asks_to_be_rebuilt(catalog, place):
    data = bytearray(catalog.read_bytes())
    start = 0 if place == "first" else 8192
    data[start:] = b"\xff" * (len(data) - start)
    catalog.write_bytes(data)
    with pytest.raises(CatalogUnusableError):
        sql.run(catalog, "select * from commits, tensors")


def test_a_missing_catalog_asks_to_be_rebuilt(tmp_path):
    with pytest.raises(CatalogUnusableError):
        sql.run(tmp_path / "catalog.db", "select 1")
    with pytest.raises(CatalogUnusableError):
        sql.run(None, "select 1")


def test_readers_see_the_state_before_a_write_that_is_not_finished(catalog):
    writer = database.open_catalog(catalog)
    writer.execute("begin immediate")
    writer.execute("delete from mh_refs")
    assert len(sql.run(catalog, "select * from refs")) == 3
    writer.execute("commit")
    assert len(sql.run(catalog, "select * from refs")) == 0
    writer.close()


def test_queries_run_in_threads(catalog):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(len(sql.run(catalog, "select * from ancestry")))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [14] * 4
