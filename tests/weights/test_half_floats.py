"""Rounding to half floats is that of numpy and ml_dtypes for every kind of number, and never rounds twice."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelhub.weights.half_floats import HalfFloat, from_bfloat16, to_bfloat16, to_float16

ANY32 = hnp.arrays(np.float32, st.integers(1, 50), elements=st.floats(width=32))
ANY64 = hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(width=64))


def bits_of(values):
    return np.where(np.isnan(values), np.uint16(0x7FC0), values.view(np.uint16))


@given(ANY32)
def test_bfloat16_agrees_with_ml_dtypes(values):
    with np.errstate(all="ignore"):
        expected = values.astype(ml_dtypes.bfloat16)
    actual = to_bfloat16(values)
    np.testing.assert_array_equal(np.isnan(from_bfloat16(actual)), np.isnan(values))
    known = ~np.isnan(values)
    np.testing.assert_array_equal(actual[known], expected.view(np.uint16)[known])


def test_every_bfloat16_stays_as_it_is():
    bits = np.arange(65536, dtype=np.uint16)
    wide = from_bfloat16(bits)
    known = ~np.isnan(wide)
    np.testing.assert_array_equal(to_bfloat16(wide)[known], bits[known])
    assert np.isnan(from_bfloat16(to_bfloat16(wide))[~known]).all()


@pytest.mark.parametrize("step", range(-2, 3))
def test_ties_between_bfloat16_go_to_even_and_their_neighbours_to_the_nearer(step):
    upper = np.arange(0, 0x7F80)
    singles = ((upper << 16) + 0x8000 + step).astype(np.uint32).view(np.float32)
    expected = upper + (1 if step > 0 else 0 if step < 0 else upper & 1)
    np.testing.assert_array_equal(to_bfloat16(singles), expected)


def exact_bfloat16(value):
    """The nearest bfloat16 by whole numbers alone, of two the even."""
    low = from_bfloat16(np.arange(0, 0x7F80, dtype=np.uint16)).astype(np.float64)
    place = int(np.searchsorted(low, abs(value), side="right")) - 1
    if place == len(low) - 1:
        return 0x7F80 if abs(value) >= 2.0**128 - 2.0**119 else place
    below, above = Fraction(abs(value)) - Fraction(low[place]), Fraction(low[place + 1]) - Fraction(abs(value))
    return place + (above < below or (above == below and place & 1))


@given(st.floats(width=64, allow_nan=False, allow_infinity=False) | st.floats(1e-3, 1e3))
def test_float64_is_rounded_to_bfloat16_once(value):
    assert int(to_bfloat16(np.array([value]))[0]) & 0x7FFF == exact_bfloat16(value)


def test_float64_just_above_a_tie_does_not_become_the_tie():
    value = np.array([1.0 + 2.0**-8 + 2.0**-40])
    assert from_bfloat16(to_bfloat16(value))[0] == 1.0 + 2.0**-7
    assert from_bfloat16(to_bfloat16(value.astype(np.float32)))[0] == 1.0


@given(ANY64)
def test_float64_keeps_sign_nan_and_infinity_in_bfloat16(values):
    back = from_bfloat16(to_bfloat16(values))
    np.testing.assert_array_equal(np.isnan(back), np.isnan(values))
    known = ~np.isnan(values)
    np.testing.assert_array_equal(np.signbit(back)[known], np.signbit(values)[known])
    assert np.isinf(back[np.isinf(values)]).all()


@given(ANY32 | ANY64)
def test_float16_agrees_with_numpy(values):
    with np.errstate(all="ignore"):
        expected = values.astype(np.float16)
    actual = to_float16(values)
    np.testing.assert_array_equal(bits_of(actual), bits_of(expected))


@pytest.mark.parametrize(("value", "becomes"), [(65519.996, 65504), (65520, np.inf), (-65520, -np.inf), (2**-25, 0)])
def test_where_float16_ends(value, becomes):
    assert to_float16(np.array([value]))[0] == becomes


@pytest.mark.parametrize(("dtype", "half_step"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
@given(hnp.arrays(np.float32, st.integers(1, 50), elements=st.floats(2.0**-10, 2.0**10, width=32)))
def test_an_ordinary_number_moves_by_half_a_step_at_most(dtype, half_step, values):
    coder = HalfFloat(dtype)
    back = coder.decode(coder.encode(values))
    assert (np.abs(back - values) <= values * half_step).all()
