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
    assert "tensors" in screen("query", "--views").out


def test_several_queries_on_stdin_are_answered_in_turn(mh, project, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1 as one; -- then\nselect ';' as two;\n"))
    assert mh("query").out == "one\n  1\n\ntwo\n;\n"


def test_the_first_mistake_on_stdin_ends_it(mh, project, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1 as one; select nope; select 3 as three;"))
    done = mh("query", code=2)
    assert done.out == "one\n  1\n\n"
    assert "no column named 'nope'" in done.err


def test_an_empty_stdin_is_an_error(mh, project, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(" -- nothing\n"))
    assert "stdin is empty" in mh("query", code=2).err


def test_an_answer_goes_to_a_file_in_the_format_of_its_name(mh, project):
    assert "2 rows written to 'answer.csv'" in mh("query", BEST, "-o", "answer.csv").err
    assert (project / "answer.csv").read_text() == "value,summary\n0.93,lower rate\n0.91,baseline\n"
    mh("query", BEST, "-o", "answer.txt")
    assert (project / "answer.txt").read_text().splitlines()[0] == "value  summary"
    mh("query", BEST, "--json", "-o", "answer")
    assert json.loads((project / "answer").read_text())["mh.query/1"][0]["value"] == 0.93
    assert "does not tell the format" in mh("query", BEST, "-o", "other", code=2).err


@pytest.mark.parametrize(("name", "read"), [("a.parquet", "read_parquet"), ("a.arrow", "read_ipc")])
def test_binary_formats_go_to_files(mh, project, name, read):
    arro3_io = pytest.importorskip("arro3.io")
    mh("query", BEST, "-o", name)
    table = getattr(arro3_io, read)(str(project / name)).read_all()
    assert [value.as_py() for value in table["value"]] == [0.93, 0.91]


def test_binary_formats_are_kept_from_a_terminal(screen, project):
    assert "-o FILE" in screen("query", BEST, "--format", "parquet", code=2).out


def test_saved_queries(mh, project):
    text = "select value from metrics where name = :name order by value desc limit :k"
    said = mh("query", "--save", "top", "-m", "The top values", text, "--set", "k=1").err
    assert "mh query @top" in said
    assert mh("query", "--show", "@top").out == f"-- The top values\n-- :k = 1\n{text}\n"
    assert mh("query", "--list").out.splitlines() == [
        "query  values      description",
        "@top   name=… k=1  The top values",
    ]
    assert mh("query", "@top", "--set", "name=accuracy").out == "value\n 0.93\n"
    assert mh("query", "@top", "--set", "name=accuracy", "--set", "k=2", "--format", "csv").out == "value\n0.93\n0.91\n"
    assert "needs a value for 'name'" in mh("query", "@top", code=2).err
    assert "--force" in mh("query", "--save", "top", "select 1", code=3).err
    mh("commit", "-m", "a query")
    mh("query", "--save", "top", "--force", "select 7 as seven")
    assert mh("query", "@top").out == "seven\n    7\n"
    assert mh("query", "@top@HEAD", "--set", "name=accuracy").out == "value\n 0.93\n"
    assert [entry["name"] for entry in mh("query", "--list", "--json").json()] == ["top"]


def test_the_past_is_asked(mh, project):
    sql = "select count(*) as versions from commits"
    assert mh("query", sql, "--as-of", "v1").out.split() == ["versions", "1"]
    assert mh("query", sql).out.split() == ["versions", "2"]
