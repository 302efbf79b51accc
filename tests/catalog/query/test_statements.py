"""Statements are told apart as SQLite would, whatever quotes and comments hold."""

import pytest

from modelhub.catalog.query.statements import ends_statement, is_whole, parameter_names, split_statements


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" ; -- nothing\n;", []),
        ("select 1", ["select 1"]),
        ("select 1; select 2;", ["select 1", "select 2"]),
        ("select ';' -- a;b\n; select /* ; */ 2", ["select ';' -- a;b", "select /* ; */ 2"]),
        ("-- what for\nselect 1;", ["-- what for\nselect 1"]),
    ],
)
def test_statements_are_split_at_semicolons(text, statements):
    assert split_statements(text) == statements


@pytest.mark.parametrize("text", ["select 1;", "select 1 ; -- done", "select ';';"])
def test_a_semicolon_ends_a_statement(text):
    assert ends_statement(text)


@pytest.mark.parametrize("text", ["", "select 1", "select ';", "select 1 -- ;", "select 1 /* ;"])
def test_no_semicolon_that_counts(text):
    assert not ends_statement(text)


@pytest.mark.parametrize(
    "text", ["select (1", "select 'a", "select 'it''", 'select "a', "select [a", "select 1 /* a", ""]
)
def test_what_is_left_open_is_not_whole(text):
    assert not is_whole(text)


@pytest.mark.parametrize("text", ["select (1)", "select 'a'", "select 'it''s'", "select [a] from x", "select ''"])
def test_what_is_closed_is_whole(text):
    assert is_whole(text)


def test_parameters_are_named_once_in_order():
    assert parameter_names("select :b, ':no', :a from x where y = :b -- :c") == ("b", "a")
