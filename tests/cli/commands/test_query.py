import io
import json

import pytest

BEST = "select m.value, c.summary from metrics m join commits c on c.id = m.commit_id order by m.value desc"


def test_a_query_is_a_table(mh, project):
    assert mh("query", BEST).out.splitlines() == ["value  summary", " 0.93  lower rate", " 0.91  baseline"]


def test_the_formats(mh, project):
    rows = [{"value": 0.93, "summary": "lower rate"}, {"value": 0.91, "summary": "baseline"}]
    assert mh("query", BEST, "--json").json() == rows
    assert [json.loads(line) for line in mh("query", BEST, "--format", "jsonl").out.splitlines()] == rows
    assert mh("query", BEST, "--format", "csv").out == "value,summary\n0.93,lower rate\n0.91,baseline\n"
    assert mh("query", BEST, "--format", "md").out.startswith("| value | summary    |\n|------:|------------|\n")


def test_a_query_comes_from_stdin(mh, project, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1 as one"))
    assert mh("query", "-").out == "one\n  1\n"


def test_values_are_passed_by_name(mh, project):
    found = mh("query", "select summary from commits where summary = :s", "--param", "s=baseline", "--json").json()
    assert found == [{"summary": "baseline"}]


def test_rows_are_limited_and_that_is_said(mh, project):
    done = mh("query", "select id from commits", "--limit", "1")
    assert len(done.out.splitlines()) == 2
    assert "there are more" in done.err
    assert mh("query", "select id from commits", "--limit", "2").err == ""


def test_a_mistake_is_pointed_at(mh, project):
    lines = mh("query", "select epohc from metrics", code=2).err.splitlines()
    assert lines[1:3] == ["  select epohc from metrics", "         ^"]


@pytest.mark.parametrize("sql", ["delete from commits", "select 1; select 2", "attach 'x' as y", ""])
def test_only_reading_is_possible(mh, project, sql):
    mh("query", sql, code=2)


def test_the_views_are_listed(mh, project, screen):
    assert "tensors" in mh("query", "--views").out
    assert "  name " in mh("query", "--views", "metrics").out
    assert "the views are" in mh("query", "--views", "nope", code=2).err
    assert "tensors" in screen("query").out
