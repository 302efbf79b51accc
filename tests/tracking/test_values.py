"""Tests of values as they are recorded; what runs refuse is tested with the runs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from modelhub.errors import InvalidInputError
from modelhub.tracking.values import as_number, as_params, as_title


def test_numbers_of_any_kind_become_floats() -> None:
    assert [as_number("m", value) for value in (1, np.int8(2), Fraction(1, 2), np.array([3.0]))] == [1.0, 2.0, 0.5, 3.0]


def test_a_refusal_shows_what_was_given_without_its_content() -> None:
    with pytest.raises(InvalidInputError, match=r"'m' is a ndarray of shape \(2, 3\), not one number"):
        as_number("m", np.zeros((2, 3)))
    with pytest.raises(InvalidInputError, match="'m' is a dict"):
        as_number("m", {"secret": 1})


def test_numbers_of_numpy_become_plain_in_params() -> None:
    found = as_params({"a": np.bool_(True), "b": np.int64(3), "c": np.str_("x"), "d": np.float64(0.5)})
    assert {name: type(value) for name, value in found.items()} == {"a": bool, "b": int, "c": str, "d": float}


def test_a_title_is_a_text() -> None:
    assert (as_title(None), as_title("x")) == ("", "x")
    with pytest.raises(InvalidInputError):
        as_title(3)


def test_nested_params_are_named_with_dots_and_lists_are_json_text() -> None:
    said = {"optimizer": {"name": "adam", "betas": (0.9, np.float32(0.5))}, "layers": [1, {"size": 2}], "empty": {}}
    assert as_params(said) == {
        "optimizer.name": "adam", "optimizer.betas": "[0.9,0.5]", "layers": '[1,{"size":2}]', "empty": "{}"
    }  # fmt: skip


@pytest.mark.parametrize("value", [[float("nan")], [object()], [{1, 2}], [np.zeros(3)]])
def test_a_list_that_is_no_json_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidInputError, match="the param 'sizes' is a list"):
        as_params({"sizes": value})


def test_params_without_an_end_are_refused() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    with pytest.raises(InvalidInputError, match="nested more than 20 deep"):
        as_params(endless)
    chain: list[object] = []
    chain.append(chain)
    with pytest.raises(InvalidInputError, match="the param 'chain'"):
        as_params({"chain": chain})
