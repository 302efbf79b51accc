"""Tensors that look alike are found across lines, and transposes by statistics alone."""

from __future__ import annotations

import numpy as np

from modelhub.catalog.tensor_looks import TensorLook
from modelhub.porcelain.alike_tensors import MOST_TURNED, Looked, alike, turned
from modelhub.store.item import Item
from modelhub.weights.sketch import sketch


def looked(number: int, line: int, array: np.ndarray) -> Looked:
    data, kind = array.tobytes(), array.dtype.name
    sample = sketch(lambda offset, nbytes: data[offset : offset + nbytes], kind, len(data))
    numbers = [float(array.mean()), float(array.std()), float(array.min()), float(array.max())]
    return Looked(number, Item.of(kind), array.shape, line, TensorLook(kind, sample, *numbers))


def matrix(seed: int, rows: int = 60, columns: int = 50, scale: float = 0.05) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((rows, columns)) * scale).astype(np.float32)


def test_other_lines_and_other_kinds_of_float_are_found() -> None:
    first, second = matrix(1), matrix(2)
    moved = first + matrix(3, scale=0.001)
    tensors = [looked(0, 0, first), looked(1, 1, second), looked(2, 2, moved), looked(3, 3, second.astype(np.float16))]
    assert alike(tensors) == {0: [], 1: [], 2: [0], 3: [1]}


def test_the_own_line_is_left_to_others() -> None:
    first = matrix(1)
    assert alike([looked(0, 0, first), looked(1, 0, first + matrix(2, scale=0.001))]) == {0: [], 1: []}


def test_counters_and_constants_are_like_nothing() -> None:
    counts = np.arange(3000, dtype=np.int64).reshape(60, 50)
    ones = np.ones((60, 50), np.float32)
    assert alike([looked(0, 0, counts), looked(1, 1, counts), looked(2, 2, ones), looked(3, 3, ones)]) == {}


def test_a_transpose_is_found_among_matrices_of_the_same_spread() -> None:
    others = [looked(number, number, matrix(number)) for number in range(40)]
    own = np.ascontiguousarray(matrix(17).T)
    found = turned([*others, looked(40, 40, own), looked(41, 41, own.astype(np.float16))])
    assert found[40][0] == found[41][0] == 17
    assert all(len(numbers) <= MOST_TURNED for numbers in found.values())


def test_a_square_one_and_one_that_moved_a_little_are_found() -> None:
    square = matrix(1, 50, 50)
    moved = np.ascontiguousarray(square.T) + matrix(2, 50, 50, scale=0.0005)
    assert turned([looked(0, 0, square), looked(1, 1, moved)])[1] == [0]


def test_another_shape_another_spread_and_vectors_are_no_transposes() -> None:
    stored = matrix(1)
    tensors = [looked(0, 0, stored), looked(1, 1, matrix(1)), looked(2, 2, np.ascontiguousarray(stored.T) * 2)]
    vectors = [looked(3, 3, matrix(1, 1, 3000)), looked(4, 4, matrix(1, 3000, 1))]
    assert turned([*tensors, *vectors]) == {2: []}


def test_of_a_line_only_the_newest_is_looked_at() -> None:
    stored = matrix(1)
    tensors = [looked(0, 0, stored), looked(1, 0, stored), looked(2, 1, np.ascontiguousarray(stored.T))]
    assert turned(tensors)[2] == [1]
