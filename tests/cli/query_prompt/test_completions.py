"""What is offered while a query is typed."""

import pytest

from modelhub.catalog.query.tokens import tokenize
from modelhub.cli.query_prompt.completions import suggest, views_by_name
from modelhub.cli.query_prompt.dot_commands import parse
from modelhub.cli.query_prompt.line_editor import is_finished
from modelhub.errors import InvalidInputError


class Recorded:
    def values(self, view, column):
        return {("metrics", "name"): ["accuracy", "it's"], ("params", "name"): ["lr"]}.get((view, column), [])

    def saved(self):
        return [("best", "The best ones"), ("worst", "")]


def offered(before, after=""):
    return [found.text for found in suggest(before, after, Recorded())]


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ("sel", "", "select"),
        ("SEL", "", "SELECT"),
        ("select * from met", "", "metrics"),
        ("select * from metrics m join par", "", "params"),
        ("select * from metrics, par", "", "params"),
        ("select summ", " from commits", "summary"),
        ("select c.summ", " from commits as c", "summary"),
        ("select * from commits c where c.gen", "", "generation"),
        ("select * from metrics where name = '", "", "accuracy'"),
        ("select * from metrics where name = 'acc", "", "accuracy'"),
        ("select * from metrics m join params p where p.name = '", "", "lr'"),
        ("select * from metrics where name in ('lr', 'acc", "')", "accuracy'"),
        ("select * from metrics where name like 'it", "", "it''s'"),
        (".sch", "", ".schema"),
        (".schema tens", "", "tensors"),
        (".format js", "", "json"),
        ("@be", "", "@best"),
    ],
)
def test_the_likeliest_comes_first(before, after, first):
    assert offered(before, after)[0] == first


@pytest.mark.parametrize(
    "before",
    [
        "select 'some text",
        "select * from commits where summary = '",
        'select "',
        "select x.",
        "@nope",
        ".nope",
    ],
)
def test_nothing_is_offered_where_nothing_is_known(before):
    assert offered(before) == []


def test_columns_are_those_of_the_views_mentioned():
    assert "value" in offered("select ", " from metrics")
    assert "elements" not in offered("select ", " from metrics")


def test_the_typed_part_is_replaced():
    assert [found.typed for found in suggest("select * from metr", "", Recorded())] == [4] * len(
        offered("select * from metr")
    )


def test_aliases_are_understood():
    text = "select * from metrics as m join commits c on c.id = m.commit_id join params where 1"
    assert views_by_name(tokenize(text)) == {
        "metrics": "metrics", "m": "metrics", "commits": "commits", "c": "commits", "params": "params",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "select 1;", ".views", "@best", "select 1\n", "select (\n1)\n", "select 1; -- so"]
)
def test_enter_ends(text):
    assert is_finished(text)


@pytest.mark.parametrize("text", ["select 1", "select (1\n", "select 'a\n", "select 1 -- ;", "select\nfrom"])
def test_enter_goes_on(text):
    assert not is_finished(text)


def test_dot_commands_have_other_names_and_neighbours():
    assert parse(".exit") == ("quit", "")
    assert parse(".schema metrics;") == ("schema", "metrics")
    with pytest.raises(InvalidInputError) as caught:
        parse(".schem")
    assert ".schema" in caught.value.hint
