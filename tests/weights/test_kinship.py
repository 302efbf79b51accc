"""Kinship tells one origin from equal scales: norm weights near one are not akin, scaled weights are."""

import math

import numpy as np
import pytest
from contracts.trained import arrays, trained, tuned

from modelhub.weights.difference import compare
from modelhub.weights.kinship import SketchTable, centred_distances, correlation, is_telling, standing
from modelhub.weights.sketch import sketch
from modelhub.weights.statistics import combine, partial


def of(array):
    data = array.astype("<f4").tobytes()
    return sketch(lambda offset, nbytes: data[offset : offset + nbytes], "float32", len(data))


def akin(one, other):
    left, right = one.astype("<f4").tobytes(), other.astype("<f4").tobytes()
    found = compare([left], [right], "float32", "float32")
    together = correlation(found, combine([partial(left, "float32")]), combine([partial(right, "float32")]))
    return together, standing(together, one.size, found.relative)


def test_the_correlation_is_that_of_numpy():
    rng = np.random.default_rng(0)
    one = rng.normal(3, 1, 5000).astype("<f4")
    other = (one * 0.5 + rng.normal(0, 1, 5000)).astype("<f4")
    assert akin(one, other)[0] == pytest.approx(np.corrcoef(one, other)[0, 1], rel=1e-6)


def test_norm_weights_of_two_seeds_have_a_cosine_near_one_and_are_unrelated():
    rng = np.random.default_rng(0)
    one, other = 1 + rng.normal(0, 0.05, (2, 4096))
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99
    assert akin(one, other)[1] == "unrelated"


def test_networks_of_two_seeds_are_unrelated_and_a_fine_tune_is_near():
    base, other, tune = arrays(trained(0)), arrays(trained(1)), arrays(tuned(0))
    for name in ("0.weight", "3.weight"):
        assert akin(base[name], other[name])[1] == "unrelated"
        assert akin(base[name], tune[name])[1] == "near"


def test_a_scale_does_not_hide_an_origin():
    one = np.random.default_rng(0).normal(size=1000)
    assert akin(one, one * 1000)[1] == "near"
    assert akin(one, -one)[1] == "unrelated"


def test_chance_is_no_origin():
    assert standing(0.5, 64, 1.0) == "unrelated"
    assert standing(0.5, 6400, 1.0) == "far"


def test_a_small_tensor_is_near_or_unclear_but_never_unrelated():
    assert standing(0.961, 32, 1.19) == "near"
    assert standing(0.851, 32, 5.23) == "unclear"
    assert standing(0.8, 25, 1.0) == "unclear"
    assert standing(0.0, 47, 1.0) == "unclear"
    assert standing(0.0, 8, 0.1) == "near"


def test_a_constant_is_judged_by_its_change():
    assert akin(np.ones(100), np.full(100, 1.1))[1] == "near"
    assert akin(np.ones(100), np.zeros(100))[1] == "unclear"


@pytest.mark.parametrize(
    ("dtype", "values"),
    [("bool", np.arange(64)), ("int64", np.arange(64)), ("float32", np.ones(64)), ("float32", np.arange(40))],
)
def test_masks_counters_constants_and_small_tensors_tell_nothing(dtype, values):
    assert not is_telling(dtype, len(values), of(values))


def test_weights_tell():
    assert is_telling("float32", 64, of(np.random.default_rng(0).normal(size=64)))
    assert is_telling("int8", 64, of(np.arange(64)))


def test_sketches_of_unrelated_tensors_are_root_two_apart():
    rng = np.random.default_rng(0)
    base, other = rng.normal(5, 1, (2, 50_000))
    equal, near, far, unfit = centred_distances(
        of(base), [of(base), of(base + 0.1 * rng.normal(size=50_000)), of(other), b""]
    )
    assert equal == 0.0
    assert near < 0.2
    assert 1.0 < far < 1.7
    assert unfit == math.inf


def test_sketches_that_are_not_finite_have_no_distance():
    broken = np.full(100, np.nan)
    assert centred_distances(of(broken), [of(np.arange(100))]) == [math.inf]


def test_a_table_of_sketches_gives_the_same_distances():
    rng = np.random.default_rng(0)
    base = rng.normal(2, 1, 5000)
    others = [of(base + step * rng.normal(size=5000)) for step in (0.3, 0.0, 3.0, 0.1)] + [
        of(np.full(5000, np.nan)),
        of(np.ones(7)),
    ]
    found = SketchTable(others).near(of(base), 0.5)
    assert list(found) == [1, 3, 0]
    exact = centred_distances(of(base), others)
    assert [found[place] for place in found] == pytest.approx([exact[place] for place in found], abs=0.002)
    assert SketchTable([]).near(of(base), 0.5) == {}
    assert SketchTable(others).near(b"", 0.5) == {}
