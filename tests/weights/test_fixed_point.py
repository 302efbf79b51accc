"""Fixed point has one step for a tensor, and no number is further from its multiple than half of it."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelhub.weights.fixed_point import FIXED_BITS, fit_fixed_point

FINITE = {
    "float32": hnp.arrays(np.float32, st.integers(1, 60), elements=st.floats(-(2.0**120), 2.0**120, width=32)),
    "float64": hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-(2.0**1000), 2.0**1000)),
}


def fitted(values, bits):
    return fit_fixed_point(float(np.abs(values).max()), bits, str(values.dtype))


@pytest.mark.parametrize("dtype", FINITE)
@pytest.mark.parametrize("bits", FIXED_BITS)
@given(st.data())
def test_no_number_moves_by_more_than_half_a_step(dtype, bits, data):
    values = data.draw(FINITE[dtype])
    coder = fitted(values, bits)
    codes = coder.encode(values)
    assert codes.dtype == np.dtype(f"int{bits}")
    assert np.abs(codes.astype(int)).max() <= 2 ** (bits - 1) - 1
    assert (np.abs(coder.decode(codes) - values.astype(np.float64)) <= coder.step / 2).all()


@pytest.mark.parametrize("bits", FIXED_BITS)
@given(st.floats(1e-30, 1e30))
def test_the_step_is_the_finest_that_holds_the_largest(bits, largest):
    step = fit_fixed_point(largest, bits, "float64").step
    most = 2 ** (bits - 1) - 1
    assert round(largest / step) <= most
    assert round(largest / (step / 2)) > most


@pytest.mark.parametrize("bits", FIXED_BITS)
@given(FINITE["float32"])
@example(np.array([1e-45, -4e-45], dtype=np.float32))
@example(np.array([0.99999994], dtype=np.float32))
def test_multiples_of_float32_are_exact_in_float32(bits, values):
    coder = fitted(values, bits)
    numbers = coder.decode(coder.encode(values))
    assert np.float32(coder.step) == coder.step
    np.testing.assert_array_equal(numbers.astype(np.float32), numbers)
    np.testing.assert_array_equal(coder.encode(values).astype(np.float32) * np.float32(coder.step), numbers)


@pytest.mark.parametrize("bits", FIXED_BITS)
@given(FINITE["float32"])
def test_writing_again_changes_nothing(bits, values):
    coder = fitted(values, bits)
    once = coder.decode(coder.encode(values))
    again = fitted(once, bits)
    np.testing.assert_array_equal(again.decode(again.encode(once)), once)


def test_ties_go_to_the_even_multiple():
    coder = fit_fixed_point(64.0, 8)
    assert coder.step == 1.0
    assert coder.encode(np.array([0.5, 1.5, -2.5, 3.4999])).tolist() == [0, 2, -2, 3]


def test_a_number_that_would_not_fit_doubles_the_step():
    assert fit_fixed_point(127.4, 8).step == 1.0
    assert fit_fixed_point(127.6, 8).step == 2.0


def test_zeros_stay_zeros():
    coder = fitted(np.zeros(3, np.float32), 8)
    assert coder.decode(coder.encode(np.zeros(3, np.float32))).tolist() == [0.0, 0.0, 0.0]
    assert math.isfinite(coder.step)
