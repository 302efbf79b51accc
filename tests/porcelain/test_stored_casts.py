"""Casts are found by sketches, among what was stored before and what is being stored."""

from __future__ import annotations

import numpy as np

from modelhub.porcelain.stored_casts import StoredCasts
from modelhub.repository.tensor_keeper import TensorFact
from modelhub.weights.summary import TensorStatistics

VALUES = np.random.default_rng(3).standard_normal(64).astype("<f4")


def fact(oid: str, dtype: str, sketch: bytes, elements: int = 5000) -> TensorFact:
    width = {"float64": 8, "float32": 4, "float16": 2, "int32": 4}[dtype]
    return TensorFact(oid, dtype, elements * width, TensorStatistics(0, *[None] * 8), sketch)


def rounded() -> bytes:
    return VALUES.astype(np.float16).astype("<f4").tobytes()


def test_what_the_catalog_knows_is_found_whichever_is_wider() -> None:
    stored = {"float32": [("a", VALUES.tobytes())], "float16": [("b", rounded())]}
    casts = StoredCasts(lambda dtype, elements: stored.get(dtype, []))
    assert casts.find("float16", 5000, rounded()) == ["a"]
    assert casts.find("float32", 5000, rounded()) == ["b"]
    assert casts.find("float64", 5000, VALUES.tobytes()) == ["a"]


def test_what_was_just_stored_is_found_before_and_after_the_first_question() -> None:
    casts = StoredCasts(lambda dtype, elements: [])
    casts.learn(fact("a", "float32", VALUES.tobytes()))
    assert casts.find("float16", 5000, rounded()) == ["a"]
    casts.learn(fact("b", "float64", VALUES.tobytes()))
    assert casts.find("float16", 5000, rounded()) == ["b"]


def test_other_sizes_other_values_and_whole_numbers_are_no_casts() -> None:
    casts = StoredCasts(lambda dtype, elements: [])
    casts.learn(fact("a", "float32", VALUES.tobytes()))
    casts.learn(fact("b", "int32", VALUES.tobytes()))
    assert casts.find("float16", 6000, rounded()) == []
    assert casts.find("float16", 5000, VALUES[::-1].astype(np.float16).astype("<f4").tobytes()) == []
    assert casts.find("int32", 5000, VALUES.tobytes()) == []
    assert casts.find("float32", 5000, VALUES.tobytes()) == []


def test_constants_say_nothing() -> None:
    ones = np.ones(64, "<f4").tobytes()
    casts = StoredCasts(lambda dtype, elements: [("a", ones)] if dtype == "float32" else [])
    assert casts.find("float16", 5000, ones) == []
