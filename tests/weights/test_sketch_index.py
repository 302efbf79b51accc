"""Like sketches are found, unlike ones are not, and of a line only the newest counts."""

from __future__ import annotations

import numpy as np

from modelhub.weights.sketch_index import MOST_IN_BUCKET, SketchIndex


def values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(64).astype("<f4")


def mixed(one: int, other: int, share: float) -> bytes:
    """Return values that correlate with those of `one` by the root of 1 - share^2."""
    return (values(one) * np.sqrt(1 - share**2) + values(other) * share).astype("<f4").tobytes()


def filled(sketches: list[bytes]) -> SketchIndex:
    index = SketchIndex(sketches)
    for place in range(len(sketches) - 1):
        index.add(place, line=place)
    return index


def test_equal_ones_are_always_found_and_nearer_ones_come_first() -> None:
    sketches = [mixed(1, 2, 0.0), mixed(1, 3, 0.02), *(values(seed).tobytes() for seed in range(10, 300))]
    found = filled([*sketches, sketches[0]]).nearest(len(sketches), line="own", bound=0.5, most=2)
    assert found == [0, 1]


def test_most_of_what_is_like_is_found_and_nothing_unlike() -> None:
    sketches = [values(seed).tobytes() for seed in range(400)]
    hits = 0
    for seed in range(100):
        index = filled([*sketches, mixed(seed, 5000 + seed, 0.15)])
        found = index.nearest(400, line="own", bound=0.5, most=4)
        assert set(found) <= {seed}
        hits += found == [seed]
    assert hits > 90


def test_the_own_line_and_what_went_before_in_another_are_left_out() -> None:
    index = SketchIndex([values(1).tobytes()] * 4)
    index.add(0, line="a")
    index.add(1, line="a")
    index.add(2, line="b")
    assert index.nearest(3, line="b", bound=0.5, most=9) == [1]


def test_a_bucket_remembers_a_bounded_number_of_lines() -> None:
    count = 3 * MOST_IN_BUCKET
    index = filled([values(1).tobytes()] * (count + 1))
    found = index.nearest(count, line="own", bound=0.5, most=count)
    assert found == list(range(count - 1, count - 1 - MOST_IN_BUCKET, -1))


def test_values_that_are_not_finite_do_no_harm() -> None:
    broken = values(1)
    broken[:3] = np.nan, np.inf, -np.inf
    index = filled([broken.tobytes(), values(2).tobytes(), values(1).tobytes()])
    assert index.nearest(2, line="own", bound=0.5, most=2) == []
    assert SketchIndex([])._codes == []
