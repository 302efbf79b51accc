"""Lint warns about what is likely broken and only notes what is often meant so."""

import numpy as np
import pytest

from modelhub.weights.lint import LEAST_ELEMENTS, findings
from modelhub.weights.statistics import combine, partial


def of(values, dtype="float32", **options):
    data = np.asarray(values, dtype=dtype).tobytes()
    found = findings("w", dtype, combine([partial(data, dtype)]), **options)
    return [(finding.code, finding.severity) for finding in found]


def test_an_ordinary_tensor_has_no_findings():
    assert of(np.arange(100)) == []


def test_nan_is_a_warning_that_counts():
    statistics = combine([partial(np.array([1, np.nan, 2], dtype="<f4").tobytes(), "float32")])
    (finding,) = findings("layer.weight", "float32", statistics)
    assert (finding.code, finding.severity, finding.tensor) == ("nan", "warning", "layer.weight")
    assert finding.message == "'layer.weight' has NaN in 1 of 3 values"


def test_infinity_among_numbers_is_a_warning_and_in_a_mask_a_note():
    assert of([1.0, np.inf, 2.0]) == [("inf", "warning")]
    assert of([0.0, -np.inf, -np.inf]) == [("inf", "note")]
    assert of([0.0, -np.inf, np.nan]) == [("nan", "warning"), ("inf", "warning")]


def test_a_zero_weight_is_a_warning_and_a_zero_bias_a_note():
    assert of(np.zeros(64)) == [("all-zero", "warning")]
    assert of(np.zeros(64), shape=(8, 8)) == [("all-zero", "warning")]
    assert of(np.zeros(64), shape=(64,)) == [("all-zero", "note")]
    assert of(np.zeros(64), shape=(1, 64)) == [("all-zero", "note")]
    assert of(np.zeros(64), "int64", shape=(8, 8)) == [("all-zero", "note")]


def test_a_constant_tensor_is_a_note():
    assert of(np.ones(64)) == [("constant", "note")]
    assert of(np.full(64, 0.1)) == [("constant", "note")]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_tiny_tensor_may_be_constant(value):
    assert of(np.full(LEAST_ELEMENTS - 1, value)) == []
    assert of(np.full(LEAST_ELEMENTS, value)) != []


def test_a_new_dtype_is_a_warning_and_comes_before_notes():
    assert of(np.ones(64), before_dtype="bfloat16") == [("dtype-drift", "warning"), ("constant", "note")]
    assert of(np.arange(64), before_dtype="float32") == []


def test_a_quantised_tensor_can_only_drift():
    statistics = combine([partial(bytes(34), "q8_0")])
    assert findings("w", "q8_0", statistics) == []
    assert [finding.code for finding in findings("w", "q8_0", statistics, "float16")] == ["dtype-drift"]
