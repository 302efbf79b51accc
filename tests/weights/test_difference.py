"""Differences agree with the naive computation, however the two streams are cut."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelhub.errors import InvalidInputError
from modelhub.weights.arrays import to_float64
from modelhub.weights.difference import combine_differences, compare, partial_difference

PAIRS = [("float32", "float32"), ("bfloat16", "bfloat16"), ("float32", "bfloat16"), ("float8_e4m3fn", "float16")]
PAIRS += [("int8", "int8"), ("float64", "int32"), ("bool", "uint8"), ("complex64", "complex64")]
BYTES = {"float32": 4, "bfloat16": 2, "float8_e4m3fn": 1, "float16": 2, "int8": 1, "float64": 8, "int32": 4}
BYTES |= {"bool": 1, "uint8": 1, "complex64": 8}


def naive(before, after):
    kept = np.isfinite(before) & np.isfinite(after)
    one, other = before[kept], after[kept]
    norms = math.sqrt(math.fsum(one * one)), math.sqrt(math.fsum(other * other))
    moved = math.sqrt(math.fsum((other - one) ** 2))
    relative = 0.0 if moved == 0 else moved / norms[0] if norms[0] else None
    cosine = math.fsum(one * other) / norms[0] / norms[1] if norms[0] and norms[1] else None
    changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return {
        "relative": relative,
        "cosine": cosine,
        "largest": float(np.abs(other - one).max()) if one.size else 0.0,
        "changed": float(changed.mean()) if before.size else 0.0,
        "count": before.size,
        "new_nans": int((np.isnan(after) & ~np.isnan(before)).sum()),
        "new_infs": int((np.isinf(after) & (after != before)).sum()),
        "norm_before": norms[0],
        "norm_after": norms[1],
    }


def cut(data, width, size):
    return [data[at : at + size * width] for at in range(0, len(data), size * width)]


def agree(actual, expected):
    for name, value in expected.items():
        if value is None:
            assert getattr(actual, name) is None, name
            continue
        assert getattr(actual, name) == pytest.approx(value, rel=1e-10, abs=1e-10 if name == "cosine" else 0), name


@settings(max_examples=40)
@pytest.mark.parametrize(("one", "other"), PAIRS)
@given(seed=st.integers(0, 1000), sizes=st.tuples(st.integers(1, 700), st.integers(1, 700)))
def test_any_two_streams_agree_with_the_naive_computation(one, other, seed, sizes):
    rng = np.random.default_rng(seed)
    before = _bytes(rng, one, 1500)
    after = _bytes(rng, other, 1500)
    with np.errstate(all="ignore"):
        expected = naive(to_float64(before, one), to_float64(after, other))
    agree(compare(cut(before, BYTES[one], sizes[0]), cut(after, BYTES[other], sizes[1]), one, other), expected)


def _bytes(rng, dtype, count):
    """Random bits for the small dtypes (NaN and Inf among them), ordinary numbers for the wide ones."""
    if dtype in ("float32", "float64", "complex64"):
        return rng.normal(size=count * BYTES[dtype] // 4).astype("<f4").tobytes()[: count * BYTES[dtype]]
    if dtype == "bfloat16":
        values = rng.normal(size=count).astype(ml_dtypes.bfloat16)
        values[rng.integers(0, count, 20)] = np.nan
        values[rng.integers(0, count, 20)] = np.inf
        return values.tobytes()
    return rng.integers(0, 256, count * BYTES[dtype], dtype=np.uint8).tobytes()


@given(hnp.arrays(np.float32, (2, 40)))
def test_every_float32_value_is_compared_as_ieee_says(pair):
    before, after = pair
    with np.errstate(all="ignore"):
        expected = naive(before.astype(np.float64), after.astype(np.float64))
    actual = compare([before.tobytes()], [after.tobytes()], "float32", "float32")
    agree(actual, expected)


def test_equal_tensors_have_not_moved():
    data = np.random.default_rng(0).normal(size=1000).astype("<f4").tobytes()
    difference = compare([data], [data], "float32", "float32")
    assert (difference.relative, difference.cosine, difference.largest, difference.changed) == (0.0, 1.0, 0.0, 0.0)


def test_nan_equals_nan_and_negative_zero_equals_zero():
    before = np.array([np.nan, 0.0, np.inf], dtype="<f4").tobytes()
    after = np.array([np.nan, -0.0, np.inf], dtype="<f4").tobytes()
    difference = compare([before], [after], "float32", "float32")
    assert (difference.changed, difference.new_nans, difference.new_infs) == (0.0, 0, 0)


def test_neighbouring_int64_beyond_float64_count_as_changed():
    before, after = np.array([2**62], dtype="<i8").tobytes(), np.array([2**62 + 1], dtype="<i8").tobytes()
    assert compare([before], [after], "int64", "int64").changed == 1.0


def test_what_was_zero_before_has_no_relative_change():
    difference = compare([bytes(8)], [np.ones(2, dtype="<f4").tobytes()], "float32", "float32")
    assert (difference.relative, difference.cosine, difference.largest) == (None, None, 1.0)


def test_empty_tensors_are_equal():
    difference = compare([], [b""], "float32", "bfloat16")
    assert (difference.count, difference.changed, difference.relative) == (0, 0.0, 0.0)


@pytest.mark.parametrize("blocks", [([bytes(8)], [bytes(4)]), ([], [bytes(4)]), ([bytes(400)], [bytes(396), b""])])
def test_different_numbers_of_values_are_refused(blocks):
    with pytest.raises(InvalidInputError, match="different numbers"):
        compare(*blocks, "float32", "float32")


def test_a_quantised_tensor_is_refused():
    with pytest.raises(InvalidInputError, match="'q4_0'"):
        compare([bytes(18)], [bytes(18)], "q4_0", "q4_0")


def test_sums_that_leave_float64_are_unknown():
    before, after = np.array([1e300]).tobytes(), np.array([-1e300]).tobytes()
    difference = compare([before], [after], "float64", "float64")
    assert (difference.norm_before, difference.relative, difference.largest) == (None, None, 2e300)


def test_partials_combine_to_the_same_bits_as_the_stream():
    rng = np.random.default_rng(1)
    before, after = (rng.normal(size=200_000).astype("<f4").tobytes() for _ in range(2))
    blocks = list(zip(cut(before, 4, 1 << 15), cut(after, 4, 1 << 15), strict=True))
    parts = [partial_difference(one, other, "float32", "float32") for one, other in blocks]
    streamed = compare([one for one, _ in blocks], [other for _, other in blocks], "float32", "float32")
    assert combine_differences(parts) == streamed
