import math

import pytest

from modelhub.cli.facts import parse_metrics, parse_params, parse_sources
from modelhub.errors import InvalidInputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("10", 10), ("1e-4", 1e-4), (".5", 0.5), ("5.", 5.0), ("true", True), ("null", None), ('"10"', "10")],
        *[("adam", "adam"), ("a=b", "a=b"), ("", ""), ("[1, 2]", "[1, 2]"), ("nan", "nan"), ("NaN", "NaN")],
        *[("inf", "inf"), ("1e999", "1e999"), ("0x10", "0x10"), ("1_000", "1_000"), ("9" * 30, "9" * 30)],
    ],
)
def test_params_are_numbers_where_they_look_like_numbers(text, value):
    parsed = parse_params([f"name={text}"])["name"]
    assert parsed == value
    assert type(parsed) is type(value)


def test_metrics_are_numbers():
    metrics = parse_metrics(["accuracy=0.97", "loss=inf", "f1=nan"])
    assert metrics["accuracy"] == 0.97
    assert metrics["loss"] == math.inf
    assert math.isnan(metrics["f1"])


@pytest.mark.parametrize("words", [["accuracy"], ["=1"], ["accuracy=good"], ["a=1", "a=2"]])
def test_what_is_no_metric_is_refused(words):
    with pytest.raises(InvalidInputError):
        parse_metrics(words)


def test_one_relation_serves_all_sources():
    assert [spec.relation for spec in parse_sources(["v1", "v2"], ["merge"])] == ["merge", "merge"]
    assert [spec.relation for spec in parse_sources(["v1", "v2"], ["merge", "uses"])] == ["merge", "uses"]
    assert [spec.relation for spec in parse_sources(["v1"], [])] == ["fine-tune"]


@pytest.mark.parametrize(
    ("sources", "relations"), [([], ["merge"]), (["a"], ["merge", "uses"]), (["a", "b", "c"], ["x", "y"])]
)
def test_relations_that_do_not_fit_the_sources_are_refused(sources, relations):
    with pytest.raises(InvalidInputError):
        parse_sources(sources, relations)
