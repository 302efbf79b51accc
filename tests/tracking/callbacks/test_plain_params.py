"""Tests of hyperparameters of any kind as params."""

from __future__ import annotations

import argparse
import dataclasses
import math
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelhub.tracking.callbacks.plain_params import plain_params
from modelhub.tracking.values import as_params


class Kind(Enum):
    FAST = "fast"


@dataclasses.dataclass
class Optimizer:
    lr: float
    betas: tuple[float, float]


def activation() -> None:
    """Stand for a function among hyperparameters."""


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (3, 3),
        (True, True),
        (None, None),
        (0.5, 0.5),
        (math.inf, "inf"),
        (1 << 70, str(1 << 70)),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (Kind.FAST, "fast"),
        (Path("a/b"), "a/b"),
        ((1, 2.5, "x"), '[1,2.5,"x"]'),
        ({3, 1}, "[1,3]"),
        ([Kind.FAST, Path("a")], '["fast","a"]'),
        (activation, "activation"),
        (Optimizer, "Optimizer"),
        (object(), "object"),
        (np.zeros((2, 2)), "ndarray"),
        (list(range(1000)), "list of 1000"),
        ({}, "{}"),
        ("\ud800", "?"),
    ],
)
def test_a_value_of_any_kind_is_plain(value: Any, plain: Any) -> None:
    found = plain_params({"it": value})
    assert found == {"it": plain}
    assert type(found["it"]) is type(plain)
    assert as_params(found) == found


def test_what_is_nested_has_names_with_dots() -> None:
    values = argparse.Namespace(optimizer=Optimizer(0.1, (0.9, 0.99)), data={"sizes": {"train": 8}}, seed=1)
    assert plain_params(values) == {
        "optimizer.lr": 0.1, "optimizer.betas": "[0.9,0.99]", "data.sizes.train": 8, "seed": 1,
    }  # fmt: skip


def test_what_holds_itself_has_an_end() -> None:
    values: dict[str, Any] = {"lr": 0.1}
    values["again"] = {"values": values}
    assert plain_params(values)["lr"] == 0.1


def test_names_that_none_can_have_are_left_out_and_so_are_too_many() -> None:
    assert plain_params({" a": 1, "": 2, "b\n": 3, 4: 5}) == {"4": 5}
    assert len(plain_params({str(number): number for number in range(5000)})) == 1000
