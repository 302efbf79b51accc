"""A result is rows, dicts, a safe table, and an Arrow stream."""

import sys

import pytest

from modelhub.catalog.query.result import QueryResult
from modelhub.errors import StateError


def test_types_say_what_was_found():
    rows = [(1, 1, "a", None, b"x", 1), (2, 2.5, "b", None, None, "z")]
    result = QueryResult(["a", "b", "c", "d", "e", "f"], rows)
    assert result.types == ("integer", "real", "text", "null", "blob", "text")
    assert len(result) == 2
    assert list(result) == result.rows() == rows


def test_dicts_name_the_columns():
    assert QueryResult(["a", "b"], [(1, None)]).dicts() == [{"a": 1, "b": None}]


def test_html_is_escaped_and_bounded():
    shown = QueryResult(["<b>"], [("<script>alert(1)</script>",)] * 60)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;b&gt;" in shown
    assert shown.count("<tr>") == 51
    assert "10 more" in shown
    assert "truncated" in QueryResult(["a"], [(None,)], truncated=True)._repr_html_()


def test_repr_is_short():
    assert repr(QueryResult(["a", "b"], [(1, 2)], truncated=True)) == "<QueryResult 1 rows: a, b, truncated>"


@pytest.mark.parametrize("rows", [[], [(1, 1.5, "é", b"\x00", None), (None, 2, 3, None, None)]])
def test_arrow_readers_get_the_same_values(rows):
    arro3 = pytest.importorskip("arro3.core")
    result = QueryResult(["a", "b", "c", "d", "e"], rows)
    table = arro3.Table.from_arrow(result)
    assert table.column_names == ["a", "b", "c", "d", "e"]
    assert table.num_rows == len(rows)
    if rows:
        columns = [[value.as_py() for value in table.column(index)] for index in range(5)]
        assert columns == [[1, None], [1.5, 2.0], ["é", "3"], [b"\x00", None], [None, None]]


def test_arrow_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "arro3.core", None)
    with pytest.raises(StateError) as caught:
        QueryResult(["a"], [(1,)]).__arrow_c_stream__()
    assert "modelhub[arrow]" in caught.value.hint
