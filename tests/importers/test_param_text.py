"""Tests of params that are text elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.importers.param_text import param_value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-3", -3), ("0.001", 0.001), ("1e-05", 1e-05), ("True", True), ("False", False)],
)
def test_what_python_writes_so_is_a_value_again(text: str, value: object) -> None:
    found = param_value(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["", "1e-5", "01", "1.50", "+1", " 1", "nan", "inf", "true", "None", "1_000", "٣", "9" * 30]
)
def test_anything_else_stays_text(text: str) -> None:
    assert param_value(text) == text
    assert isinstance(param_value(text), str)


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_the_text_can_always_be_had_again(text: str) -> None:
    assert str(param_value(text)) == text
