"""Statistics agree with exact arithmetic on the finite numbers, however the bytes are cut."""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelhub.errors import InvalidInputError
from modelhub.weights.arrays import to_float64
from modelhub.weights.statistics import SLICE_ELEMENTS, Accumulator, combine, partial
from modelhub.weights.summary import TensorStatistics

EVERY_PATTERN = {
    "bfloat16": np.arange(65536, dtype="<u2").tobytes(),
    "float16": np.arange(65536, dtype="<u2").tobytes(),
    "float8_e4m3fn": bytes(range(256)),
    "float8_e5m2": bytes(range(256)),
    "float8_e4m3fnuz": bytes(range(256)),
    "float8_e8m0fnu": bytes(range(256)),
}


def oracle(numbers):
    """Exact rational sums, rounded once at the end."""
    numbers = [float(number) for number in numbers]
    finite = [Fraction(number) for number in numbers if math.isfinite(number)]
    nans = sum(math.isnan(number) for number in numbers)
    infs = sum(math.isinf(number) for number in numbers)
    if not finite:
        return TensorStatistics(len(numbers), None, None, None, None, None, 0, nans, infs)
    mean = sum(finite) / len(finite)
    spread = sum((number - mean) ** 2 for number in finite) / len(finite)
    norm = _root(sum(number * number for number in finite))
    zeros = sum(number == 0 for number in finite)
    extremes = float(min(finite)), float(max(finite))
    return TensorStatistics(len(numbers), float(mean), _root(spread), *extremes, norm, zeros, nans, infs)


def _root(square):
    return math.isqrt(int(square * (1 << 1600))) / (1 << 800) if square else 0.0


def agree(actual, expected):
    exact = ("count", "minimum", "maximum", "zeros", "nans", "infs")
    assert [getattr(actual, name) for name in exact] == [getattr(expected, name) for name in exact]
    if expected.mean is None:
        assert actual == expected
        return
    tolerance = max(abs(expected.minimum), abs(expected.maximum))
    for name in ("mean", "std"):
        assert getattr(actual, name) == pytest.approx(getattr(expected, name), rel=1e-11, abs=1e-14 * tolerance)
    assert actual.norm == pytest.approx(expected.norm, rel=1e-11)


def of(data, dtype):
    return combine([partial(data, dtype)])


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=1, max_side=60)))
def test_float32_agrees_with_exact_arithmetic(values):
    agree(of(values.tobytes(), "float32"), oracle(values))


@given(
    hnp.arrays(
        np.float64, hnp.array_shapes(max_dims=1, max_side=60), elements=st.floats(-1e100, 1e100, allow_subnormal=False)
    )
)
def test_float64_agrees_with_exact_arithmetic(values):
    values[np.abs(values) < 1e-100] = 0.0
    agree(of(values.tobytes(), "float64"), oracle(values))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32"])
@given(data=st.data())
def test_whole_numbers_agree_with_exact_arithmetic(dtype, data):
    values = data.draw(hnp.arrays(np.dtype(dtype), hnp.array_shapes(max_dims=1, max_side=60)))
    agree(of(values.tobytes(), dtype), oracle(values.tolist()))


@pytest.mark.parametrize("dtype", EVERY_PATTERN)
def test_every_bit_pattern_of_the_small_floats_is_counted_right(dtype):
    data = EVERY_PATTERN[dtype]
    with np.errstate(invalid="ignore"):
        values = np.frombuffer(data, dtype=getattr(ml_dtypes, dtype, dtype)).astype(np.float64)
    agree(of(data, dtype), oracle(values))


def test_large_int64_are_rounded_to_float64():
    statistics = of(np.array([2**62 + 1, 2**63 - 1], dtype="<i8").tobytes(), "int64")
    assert (statistics.minimum, statistics.maximum) == (2.0**62, 2.0**63)


def test_bool_is_zeros_and_ones():
    statistics = of(b"\x00\x01\x01\x05", "bool")
    assert (statistics.mean, statistics.zeros, statistics.maximum) == (0.75, 1, 1.0)


def test_complex_counts_both_parts():
    statistics = of(np.array([3 + 4j, 0j], dtype="<c8").tobytes(), "complex64")
    assert (statistics.count, statistics.zeros, statistics.norm) == (4, 2, 5.0)


def test_negative_zero_is_a_zero():
    assert of(np.array([-0.0, 0.0, 1.0], dtype="<f4").tobytes(), "float32").zeros == 2


def test_a_tensor_of_nan_has_no_mean():
    statistics = of(np.full(5, np.nan, dtype="<f4").tobytes(), "float32")
    assert statistics == TensorStatistics(5, None, None, None, None, None, 0, 5, 0)


def test_an_empty_tensor_has_no_mean():
    assert of(b"", "float32") == TensorStatistics(0, None, None, None, None, None, 0, 0, 0)


@pytest.mark.parametrize("dtype", ["q4_0", "unheard-of"])
def test_a_quantised_tensor_has_no_statistics(dtype):
    assert of(bytes(18), dtype) == TensorStatistics(0, None, None, None, None, None, None, None, None)


def test_sums_that_leave_float64_are_unknown_not_infinite():
    statistics = of(np.array([1.7e308, 1.7e308, -1.0]).tobytes(), "float64")
    assert (statistics.mean, statistics.std, statistics.norm) == (None, None, None)
    assert (statistics.minimum, statistics.maximum, statistics.infs) == (-1.0, 1.7e308, 0)


def test_equal_numbers_have_no_spread():
    statistics = of(np.full(SLICE_ELEMENTS + 77, 0.1, dtype="<f4").tobytes(), "float32")
    assert (statistics.std, statistics.mean) == (0.0, float(np.float32(0.1)))


def test_a_large_mean_does_not_drown_a_small_spread():
    values = 1e4 + np.random.default_rng(3).normal(size=300_000) * 1e-3
    statistics = of(values.tobytes(), "float64")
    assert statistics.std == pytest.approx(np.std(values), rel=1e-9)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 3000), max_size=8), st.sampled_from(["float32", "bfloat16", "int16", "float8_e5m2"]))
def test_the_cut_of_the_stream_changes_no_count_and_hardly_a_sum(cuts, dtype):
    data = np.random.default_rng(len(cuts)).integers(0, 256, 8000, dtype=np.uint8).tobytes()
    accumulator = Accumulator(dtype)
    at = 0
    for cut in [*cuts, len(data)]:
        accumulator.add(data[at : at + cut])
        at += cut
    agree(accumulator.result(), oracle(to_float64(data, dtype)))


def test_partials_combine_to_the_same_bits_as_the_stream():
    data = np.random.default_rng(5).normal(size=200_000).astype("<f4").tobytes()
    blocks = [data[at : at + 131072] for at in range(0, len(data), 131072)]
    accumulator = Accumulator("float32")
    for block in blocks:
        accumulator.add(block)
    assert combine([partial(block, "float32") for block in blocks]) == accumulator.result()


def test_a_block_that_cuts_a_value_is_refused():
    with pytest.raises(InvalidInputError):
        partial(bytes(6), "float32")
