"""A sketch looks at the same few positions of equal shapes, and distance orders tensors by likeness."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.weights.arrays import item_nbytes
from modelhub.weights.sketch import SKETCH_VALUES, Sampler, distance, distances, positions, sketch, turned_sketch


def of(array, dtype="float32"):
    data = array.tobytes()
    return sketch(lambda offset, nbytes: data[offset : offset + nbytes], dtype, len(data))


@given(st.integers(0, 10**13))
def test_positions_rise_inside_the_tensor(count):
    found = positions(count)
    assert len(found) == min(count, SKETCH_VALUES)
    assert all(low < high for low, high in itertools.pairwise(found))
    assert all(0 <= position < count for position in found)


@pytest.mark.parametrize("width", [64, 384, 768, 1024, 4096])
def test_positions_do_not_fall_into_one_column(width):
    assert len({position % width for position in positions(width * width)}) > SKETCH_VALUES // 2


def test_a_sketch_reads_only_its_values():
    reads = []
    data = bytes(4_000_000)
    made = sketch(lambda offset, nbytes: reads.append(nbytes) or data[offset : offset + nbytes], "float32", len(data))
    assert len(made) == SKETCH_VALUES * 4
    assert reads == [4] * SKETCH_VALUES


@pytest.mark.parametrize(
    ("dtype", "width"),
    [("bfloat16", 2), ("complex64", 8), ("q4_0", 1), ("float4_e2m1fn_x2", 1), ("complex32", 4), ("bool", 1)],
)
def test_every_dtype_gives_one_value_a_position(dtype, width):
    made = sketch(lambda offset, nbytes: bytes(nbytes), dtype, 100 * width)
    assert made == bytes(4 * SKETCH_VALUES)


def test_small_and_empty_tensors_are_sketched_whole():
    assert np.frombuffer(of(np.arange(5, dtype="<f4")), "<f4").tolist() == [0, 1, 2, 3, 4]
    assert of(np.empty(0, dtype="<f4")) == b""
    assert distance(b"", b"") == 0.0


def test_a_fine_tune_is_nearer_than_a_stranger():
    rng = np.random.default_rng(0)
    base = rng.normal(size=5000).astype("<f4")
    tuned = base + rng.normal(size=5000).astype("<f4") * 0.01
    stranger = rng.normal(size=5000).astype("<f4")
    near, far = distances(of(base), [of(tuned), of(stranger)])
    assert near < 0.05 < 0.5 < far
    assert distance(of(base), of(base)) == 0.0


def test_sketches_that_cannot_be_compared_are_infinitely_far():
    ones, nans = np.ones(64, dtype="<f4").tobytes(), np.full(64, np.nan, dtype="<f4").tobytes()
    assert distances(ones, [ones[:4], nans, ones]) == [math.inf, math.inf, 0.0]


def test_distance_is_relative_and_skips_what_is_not_finite():
    one = np.array([3.0, 4.0, np.nan], dtype="<f4").tobytes()
    other = np.array([3.0, 0.0, 7.0], dtype="<f4").tobytes()
    assert distance(one, other) == distance(other, one) == pytest.approx(0.8)
    zeros = bytes(12)
    assert distance(zeros, zeros) == 0.0
    assert distance(zeros, one) == 1.0


@given(st.integers(0, 3000), st.integers(1, 700), st.sampled_from(["float32", "bfloat16", "uint8", "float64"]))
def test_a_sketch_taken_from_passing_blocks_is_the_same(count: int, step: int, dtype: str) -> None:
    width = item_nbytes(dtype)
    data = np.random.default_rng(count).bytes(count * width)
    sampler = Sampler(dtype, len(data))
    for start in range(0, len(data), step * width):
        sampler.feed(data[start : start + step * width])
    assert sampler.result() == sketch(lambda offset, nbytes: data[offset : offset + nbytes], dtype, len(data))


@given(st.integers(2, 90), st.integers(2, 90), st.sampled_from(["float32", "float16", "int8", "float64"]))
def test_a_turned_sketch_is_that_of_the_transpose(rows: int, columns: int, dtype: str) -> None:
    matrix = (np.random.default_rng(rows).standard_normal((rows, columns)) * 50).astype(dtype)
    data = matrix.tobytes()
    found = turned_sketch(lambda offset, nbytes: data[offset : offset + nbytes], dtype, (rows, columns))
    assert found == of(np.ascontiguousarray(matrix.T), dtype)
