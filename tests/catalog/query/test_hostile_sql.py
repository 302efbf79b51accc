"""Statements that try to write, to escape, to see what is hidden, or to exhaust the machine: none gets anywhere."""

import hashlib
import os
import random
import re
import resource
import sqlite3
import time

import pytest

from modelhub.catalog.database import open_catalog_read_only
from modelhub.catalog.lineage import LineageDistances
from modelhub.catalog.query import sandbox, sql
from modelhub.catalog.query.additions import VIEW_FUNCTIONS, Additions
from modelhub.catalog.query.sandbox import TABLES, lock_down
from modelhub.catalog.views.registry import BY_NAME
from modelhub.errors import QuerySyntaxError

NUMBERS = "(with recursive n(i) as (select 1 union all select i + 1 from n) select i from n)"
LONG = "with recursive s(x, n) as (select 'aaaaaaaaaaaaaaaa', 0 union all select x || x, n + 1 from s where n < 16)"

WRITES = [
    "delete from commits",
    "delete from mh_commits",
    "insert into mh_meta values ('a', 'b')",
    "insert into commits(id) values ('a')",
    "update mh_meta set value = 'x'",
    "replace into mh_meta values ('schema', 'x')",
    "with a as (select 1) delete from mh_meta",
    "with a as (select 1) insert into mh_meta select 1, 2",
    "with a as (select 1) update mh_meta set value = (select * from a)",
    "insert into mh_meta values ('a', 'b') returning *",
    "explain delete from mh_meta",
    "explain query plan delete from commits",
    "create table x (a)",
    "create temp table x (a)",
    "create temp view x as select 1",
    "create view x as select 1",
    "create trigger t instead of delete on commits begin select 1; end",
    "create index i on mh_meta (value)",
    "create virtual table f using fts5(a)",
    "drop table mh_meta",
    "drop view commits",
    "alter table mh_meta rename to x",
    "alter table mh_meta add column x",
    "reindex",
    "analyze",
    "vacuum",
    "vacuum into '{new}'",
    "attach '{new}' as other",
    "attach database ':memory:' as other",
    "attach 'file:{new}?mode=rwc' as other",
    "detach main",
    "begin",
    "begin immediate",
    "commit",
    "rollback",
    "savepoint s",
    "release s",
    "pragma query_only = off",
    "pragma journal_mode = wal",
    "pragma writable_schema = on",
    "pragma user_version = 7",
    "pragma wal_checkpoint(truncate)",
    "pragma optimize",
    "pragma temp_store_directory = '/tmp'",
    "pragma table_info(mh_meta)",
    "explain pragma table_info(mh_meta)",
    "select 1; delete from mh_meta",
    "select 1;\n-- quiet\n/* still */ drop table mh_meta",
    "select 1 /* ; */ ; attach '{new}' as other",
    "select ';' ; pragma query_only = off",
    "/* select */ delete from mh_meta",
    "-- select\ndelete from mh_meta",
    ";delete from mh_meta",
    "values (1); vacuum into '{new}'",
]

HIDDEN = [
    *(f"select * from {table}" for table in sorted(TABLES)),
    "select count(*) from mh_meta",
    "select count(*) from main.mh_oids",
    'select * from "mh_commits"',
    "select * from [mh_commits]",
    "select * from `MH_Commits`",
    "select * from 'mh_commits'",
    "select * from main . mh_oids",
    "select * from commits where exists (select 1 from mh_meta)",
    "select (select value from mh_meta limit 1)",
    "select id from commits union select oid from mh_oids",
    "with x as (select * from mh_oids) select * from x",
    "with commits as (select oid as id from mh_oids) select * from commits",
    "with mh_walk as (select 1) select * from mh_walk",
    "with refs(a) as not materialized (select 1) select * from refs",
    "with 'tensors' as (select 1) select * from tensors",
    "with json_each as (select 1) select * from json_each",
    "select * from sqlite_master",
    "select * from sqlite_schema",
    "select count(*) from sqlite_schema",
    "select sql from main.sqlite_master",
    "select * from sqlite_temp_master",
    "select * from temp.sqlite_schema",
    "select * from sqlite_sequence",
    "select * from sqlite_stat1",
    "with sqlite_master as (select 1) select count(*) from main.sqlite_master",
    "select * from pragma_table_info('mh_meta')",
    "select count(*) from pragma_table_list",
    "select * from pragma_database_list",
    "select * from pragma_function_list",
    "select * from pragma_compile_options",
    "select file from pragma_database_list",
    "select * from commits, pragma_table_info('commits')",
    "select * from dbstat",
    "select * from sqlite_dbpage",
    "select * from bytecode('select 1')",
    "select * from tables_used('select 1')",
    "select * from generate_series(1, 9)",
    "select * from fsdir('/')",
    "select * from csv",
]

FUNCTIONS = [
    "select load_extension('{new}')",
    "select readfile('/etc/passwd')",
    "select writefile('{new}', 'x')",
    "select edit('x')",
    "select fts3_tokenizer('x')",
    "select sqlite_version()",
    "select sqlite_source_id()",
    "select sqlite_compileoption_get(1)",
    "select sqlite_compileoption_used('x')",
    "select sqlite_offset(id) from commits",
    "select last_insert_rowid()",
    "select changes()",
    "select total_changes()",
    "select random()",
    "select randomblob(1000000000)",
    "select zeroblob(1000000000)",
    "select length(zeroblob(2000000000))",
    "select printf('%.*c', 2000000000, 'x')",
    "select printf('%.*c', 900000000, 'x')",
    "select format('%2000000000d', 1)",
    "select \"printf\"('%d', 1)",
    "select PRINTF('%d', 1)",
    "select id from commits order by printf('%d', 1)",
    "select count(*) filter (where zeroblob(10) is null) from commits",
]

BOMBS = [
    "select count(*) from metric_history a, metric_history b, metric_history c, metric_history d, metric_history e,"
    " metric_history f, metric_history g, metric_history h",
    "select count(*) from lineage_paths a, lineage_paths b, lineage_paths c, lineage_paths d, lineage_paths e, tensors",
    "select group_concat(a.value || b.value) from metric_history a, metric_history b, metric_history c, commits, files",
    "with recursive h(n, v) as (select 0, 1.0 union all select n + 1, (select max(value) from metric_history) from h)"
    " select max(v) from h",
    "select sum(a.step) over (order by b.value, a.value) from metric_history a, metric_history b, metric_history c,"
    " metric_history d, metric_history e, files, files",
    "select count(*) from layers a, layers b, layers c, layers d, models e, models f, models g, storage, storage,"
    " lineage, files, tensors",
    "with recursive p(c) as (select commit_id from lineage_paths union all select l.commit_id from p, lineage l)"
    " select count(*) from p",
    f"select count(*) from {NUMBERS}",
    f"select max(i) from {NUMBERS}",
    f"select i from {NUMBERS} order by i desc",
    f"select count(*) from {NUMBERS} a, {NUMBERS} b",
    f"select sum(a.i) over (order by a.i) from {NUMBERS} a",
    f"{LONG} select count(distinct x || i) from s, {NUMBERS} where s.n = 16",
    f"{LONG} select x || i from s, {NUMBERS} where s.n = 16 order by 1",
    f"select group_concat(i) from {NUMBERS}",
    f"select json_group_array(i) from {NUMBERS}",
    "with recursive s(x) as (select 'a' union all select x || x from s) select length(x) from s",
    "with recursive s(x) as (select 'a' union all select hex(x) from s) select max(length(x)) from s",
    f"{LONG} select length(replace(x, 'a', x)) from s where n = 16",
    f"{LONG} select instr(x, substr(x, 1, 500000) || 'b') from s, {NUMBERS} where n = 16 limit 1000",
    f"{LONG} select count(trim(x, substr(x, 1, 500000))) from s, {NUMBERS} where n = 16",
    f"{LONG} select count(*) from s, {NUMBERS} where n = 16 and x like '%a%a%a%a%a%a_b'",
    f"{LONG} select count(*) from s, {NUMBERS} where n = 16 and x glob '*a*a*a?a*a?b'",
    f"{LONG} select count(strftime(replace(x, 'a', '%J'), 'now')) from s, {NUMBERS} where n = 14",
    "select count(*) from tensors a, tensors b, tensors c, tensors d, tensors e, tensors f, tensors g",
    "select count(*) from commits a, commits b, commits c, commits d, commits e, commits f, commits g, commits h, refs,"
    " files, files, files, files, files, files",
    "with " + ", ".join(f"a{i} as (select * from a{i - 1}, a{i - 1})" if i else "a0 as (select 1)" for i in range(40))
    + " select * from a39",
    "with " + ", ".join(f"a{i} as (select x from a{i - 1} union select x from a{i - 1})" if i else "a0 as (select 1 x)"
                        for i in range(40)) + " select count(*) from a39",
    "select " + "(" * 20_000 + "1" + ")" * 20_000,
    "select " + "-" * 2 + "\n" + "+".join(["1"] * 20_000),
    "select " + " union select ".join(["1"] * 500),
    "select " + ", ".join(["1"] * 2_000),
    "select " + " || ".join(["'" + "a" * 400 + "'"] * 110),
    "select 1 in (" + "1," * 20_000 + "1)",
    "select case " + "when 1 then 1 " * 3_000 + "end",
    "select 1" + " " * 60_000,
    "with " + "x as (" * 8_000,
    "select " + '"a", ' * 9_000 + "1",
    "select '" + "''" * 20_000,
]  # fmt: skip

VIEW_CALLS = [
    call.format(name)
    for name in sorted(VIEW_FUNCTIONS)
    for call in (
        "select {}(1, 0)",
        "select {}(1, 0) from metric_history",
        "select * from metric_history where {}(1, 0) > 0",
        "select * from lineage_paths where {}(1, 1) is not null",
        "with x as (select {}(1, 0) as v) select v from x",
        "select (select {}(s, 1) from (select 1 as s))",
        "select run_id from runs order by {}(1, 0)",
        "select max(step) over (order by {}(1, 0)) from metric_history",
        "select 1 from runs group by {}(1, 0)",
        "select 1 from runs r join refs f on {}(1, 0) = f.is_head",
        "select count(*) filter (where {}(1, 0)) from runs",
        "select sum(value) from json_each('[1]') where {}(1, value)",
        'select "{}"(1, 0)',
        "select [{}](1, 0)",
        "select `{}`(1, 0)",
        "select coalesce(null, {}(9999999, -1))",
        "select * from {}(1, 0)",
        "explain select {}(1, 0)",
    )
]
VIEW_NAMES = [f"with {view} as (select 1) select * from {view}" for view in sorted(BY_NAME)]
VIEW_NAMES += [
    "with tensor_diff as (select 1) select * from tensor_diff",
    "with tensor_diff_2(a) as (select 1) select * from tensor_diff_2",
    "with x as (select 1), metric_history as (select * from x) select * from metric_history",
    "with recursive lineage_paths(a) as (select 1 union all select a from lineage_paths) select * from lineage_paths",
    "with mh_numbers as (select 1) select * from mh_numbers",
    "select * from tensor_diff",
    "select * from tensor_diff('a', 'b')",
    "select * from temp.tensor_diff",
    "select * from metric_history('a')",
    "select * from metric_history join mh_series",
    "select s.no from metric_history, mh_series s",
    "select rowid from mh_runs",
    "select value from metric_history union select i from mh_numbers",
    "select * from lineage_paths where commit_id in (select oid from mh_oids)",
    "select (select count(*) from mh_lineage) from lineage",
    "select checksum from mh_tensors",
    "select * from main.mh_usages",
    "select * from temp.mh_runs",
    "select * from temp.sqlite_master",
    "create temp view tensor_diff as select * from mh_meta",
    "drop view temp.tensor_diff",
    "drop view if exists metric_history",
    "insert into metric_history values (1, 2, 3, 4, 5)",
    "delete from runs",
    "update run_params set value = 'x'",
    "pragma trusted_schema = on",
    "pragma main.query_only = 0",
    "select * from pragma_trusted_schema",
    "select * from pragma_function_list where name glob 'mh_*'",
    "explain insert into runs select * from runs",
]

NOT_TEXT = [
    "",
    "  ",
    "-- nothing",
    "/* nothing",
    ";",
    "select \0 1",
    "select '\ud800'",
    "\0",
    "select 1\0; drop table x",
]


def additions(catalog):
    """What the views of points and of lineage call: distances as they are, and for points their numbers."""
    connection = open_catalog_read_only(catalog)
    distance = LineageDistances(connection).distance
    connection.close()
    points = {name: lambda series, index: index for name in ("mh_step", "mh_time", "mh_value")}
    return Additions({**points, "mh_distance": distance}, {})


@pytest.fixture
def attack(catalog, tmp_path):
    """Run a statement and check that the file and its folder are as they were."""
    before = hashlib.sha256(catalog.read_bytes()).hexdigest()
    listing = sorted(os.listdir(catalog.parent))
    new = tmp_path / "new-file"

    def run(text, **options):
        try:
            return sql.run(catalog, text.replace("{new}", str(new)), additions=additions(catalog), **options)
        finally:
            assert hashlib.sha256(catalog.read_bytes()).hexdigest() == before
            assert sorted(os.listdir(catalog.parent)) == listing
            assert not new.exists()

    return run


def test_there_are_enough_attacks():
    assert len({*WRITES, *HIDDEN, *FUNCTIONS, *VIEW_CALLS, *VIEW_NAMES, *BOMBS, *NOT_TEXT}) >= 300


@pytest.mark.parametrize("text", [*WRITES, *HIDDEN, *FUNCTIONS, *VIEW_CALLS, *VIEW_NAMES, *NOT_TEXT])
def test_an_attack_is_refused_in_words(attack, text):
    with pytest.raises(QuerySyntaxError) as caught:
        attack(text)
    assert caught.value.message
    assert caught.value.position is None or 0 <= caught.value.position <= len(caught.value.text)
    told = f"{caught.value.message} {caught.value.hint}".lower()
    assert all(name in text.lower() for name in re.findall(r"mh_[a-z_]+", told)), "hidden names are not given away"


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_ends_in_time_and_memory(attack, text):
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    try:
        result = attack(text, timeout_s=0.3)
    except QuerySyntaxError as error:
        assert error.message  # noqa: PT017
    else:
        assert len(result) <= sql.LIMIT_ROWS
    assert time.monotonic() - started < 30, "the limit, with room for a busy machine"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 2_000_000, "KiB"


# SQLite cannot tell these from honest queries: only the look at the text refuses them.
TEXT_ONLY = ("with commits", "with mh_walk", "with refs", "with 'tensors'", "with json_each", "with sqlite_master")
TEXT_ONLY += ("select count(*) from main.mh_", "select count(*) from mh_", "select * from commits where exists")
COMPILED = [text for text in [*WRITES, *HIDDEN, *FUNCTIONS, *VIEW_CALLS] if not text.lower().startswith(TEXT_ONLY)]


@pytest.mark.parametrize("text", COMPILED)
def test_the_authorizer_alone_refuses_it_too(catalog, text):
    connection = open_catalog_read_only(catalog)
    before = catalog.read_bytes()
    lock_down(connection, 1.0, frozenset(), additions(catalog))
    with pytest.raises((sqlite3.Error, sqlite3.Warning)):
        for statement in [part for part in text.replace("{new}", str(catalog) + ".new").split(";") if part.strip()]:
            connection.execute(statement).fetchall()
    connection.set_authorizer(None)
    connection.close()
    assert catalog.read_bytes() == before
    assert os.listdir(catalog.parent) == ["catalog.db"]


def test_a_query_that_needs_too_much_memory_is_stopped(catalog, monkeypatch):
    monkeypatch.setattr(sandbox, "MOST_MEMORY_NBYTES", 20_000_000)
    with pytest.raises(QuerySyntaxError, match="memory"):
        sql.run(catalog, f"select count(distinct hex(i) || hex(hex(hex(i)))) from {NUMBERS}", timeout_s=60)


def test_a_result_is_cut_at_its_bytes(catalog, monkeypatch):
    monkeypatch.setattr(sql, "MOST_RESULT_NBYTES", 100_000)
    result = sql.run(catalog, f"select i from {NUMBERS}", limit_rows=None)
    assert result.truncated
    assert 1000 < len(result) < 2000


def test_the_connection_in_memory_stays_locked(catalog):
    connection = sqlite3.connect(catalog)
    sql.run(None, "select 1", in_memory=connection)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("delete from mh_meta")
    connection.close()


WORDS = [
    *BY_NAME, *sorted(TABLES), *sorted(VIEW_FUNCTIONS), "tensor_diff", "select", "from", "where", "with", "as", "union",
    "(", ")", "(", ")", ",", ",", "*", "1", "'a'", "x", "x", "join", "on", "=", "order by", "limit 3", "values",
    "delete", "pragma", "attach", "insert into", "create temp view", "sqlite_master", "json_each('[1]')", "count(*)",
    "exists", ";", '"', "[", "--", "/*", "run_id", "value", "name", "commit_id", "recursive",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(200))
def test_words_thrown_together_are_answered_or_refused(attack, seed):
    chance = random.Random(seed)
    for _ in range(10):
        text = " ".join(["select", *chance.choices(WORDS, k=chance.randint(1, 12))])
        try:
            result = attack(text, timeout_s=1.0)
        except QuerySyntaxError as error:
            assert error.message  # noqa: PT017
        else:
            assert "create table" not in repr(result.rows()).lower()
