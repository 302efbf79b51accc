"""Tokens are where SQLite sees them, and no name hides in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.catalog.query.common_tables import definitions, expansions
from modelhub.catalog.query.tokens import second_statement, tokenize


def names(text):
    return [token.name for token in tokenize(text)]


def test_comments_and_blanks_are_left_out():
    assert names("select -- a\n 1 /* b */ + /* c") == ["select", "1", "+"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("'a''b'", "a'b"), ('"A""b"', 'a"b'), ("`a``b`", "a`b"), ("[A b]", "a b"), ("Abc_1$", "abc_1$"), (":x", ":x")],
)
def test_names_lose_their_quotes_and_case(text, name):
    assert names(text) == [name]


@pytest.mark.parametrize(
    "text", ["?1name", "1.name", "x'00'name", "'a'name", "$a(name", "1e5 name", "/**/name", "--\nname"]
)
def test_a_name_is_not_swallowed_by_what_stands_before_it(text):
    assert "name" in names(text)


@given(st.text(st.sampled_from("ab'\"`[]-*/\n ;(),.1?$:x"), max_size=40))
def test_tokens_lie_in_order_and_cover_all_but_blanks(text):
    end = 0
    for token in tokenize(text):
        assert token.position >= end
        assert text[token.position : token.position + len(token.text)] == token.text
        end = token.position + len(token.text)


@pytest.mark.parametrize(
    ("text", "found"), [("select 1;", None), ("select 1;;", None), ("select ';'; x", "x"), ("a;--b", None)]
)
def test_a_second_statement_is_what_follows_a_semicolon(text, found):
    token = second_statement(tokenize(text))
    assert (token.text if token else None) == found


@pytest.mark.parametrize(
    "text",
    [
        "with a as (select 1) select 1",
        'with "a"(x, ")") as not materialized (select 1) select 1',
        "with recursive 'a' (n) as materialized(select 1) select 1",
        "select (with [a] as(select 1) select 1)",
    ],
)
def test_every_way_to_name_a_table_of_ones_own_is_seen(text):
    tokens = tokenize(text)
    assert [tokens[index].name for index in definitions(tokens)] == ["a"]


def test_an_alias_is_no_definition():
    assert definitions(tokenize("select x as a, (select 1) as b from c as d where e in (1)")) == []


def test_nested_tables_multiply():
    text = "with a as (select 1), b as (select * from a, a), c as (select * from b, b) select * from c, c"
    assert expansions(tokenize(text), 1000) == 14
    assert expansions(tokenize(text), 10) == 10


def test_a_recursive_table_counts_once():
    text = "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n"
    assert expansions(tokenize(text), 1000) == 2
