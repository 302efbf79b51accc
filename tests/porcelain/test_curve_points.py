"""Curves are smoothed without bias from gaps, and thinned without losing a spike."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelhub.porcelain.curve_points import drawable, smoothed, thinned


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(4, 50))
def test_the_lowest_and_the_highest_stay(values, most):
    y = np.array(values)
    x, thin = thinned(np.arange(len(y)), y, most)
    assert thin.min() == y.min()
    assert thin.max() == y.max()
    assert (x[0], x[-1]) == (0, len(y) - 1)
    assert len(thin) <= max(most, 0) + 2 or len(y) <= most
    assert (y[x] == thin).all()


def test_a_gap_stays_a_gap():
    y = np.array([1.0] * 100 + [np.nan] * 100 + [2.0] * 100)
    x, thin = thinned(np.arange(300.0), y, 30)
    gap = x[np.isnan(thin)]
    assert len(gap)
    assert (gap >= 100).all()
    assert (gap < 200).all()


def test_smoothing_takes_the_mean_around_each_point():
    assert smoothed(np.array([1.0, 2.0, 6.0, 4.0]), 3).tolist() == [1.5, 3.0, 4.0, 5.0]
    assert smoothed(np.array([1.0, 2.0]), 1).tolist() == [1.0, 2.0]
    found = smoothed(np.array([1.0, np.nan, 3.0]), 3)
    assert found[0] == 1.0
    assert np.isnan(found[1])
    assert found[2] == 3.0


def test_what_no_drawing_has_room_for_is_a_gap():
    assert np.isnan(drawable(np.array([np.inf, -np.inf, np.nan]))).all()
