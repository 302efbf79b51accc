from __future__ import annotations

import math
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from modelhub.weights.newest_sketches import COMPARED, NewestSketches
from modelhub.weights.sketch import distances

MOST = 7
VALUES = st.sampled_from([0.0, 1.0, 1.001, 1.25, -1.0, 3.0, 1e-30, 3e38, math.nan, math.inf])
SKETCHES = st.lists(VALUES, min_size=2, max_size=2).map(lambda values: struct.pack("<2f", *values))
ANY_LENGTH = st.one_of(SKETCHES, st.sampled_from([b"", struct.pack("<f", 1.0), struct.pack("<3f", 1, 1, 1)]))


def compared_one_by_one(known: list[tuple[str, bytes]], sketch: bytes, bound: float, limit: int) -> list[str]:
    found = distances(sketch, [other for _, other in known])
    near = sorted((one, -place) for place, one in enumerate(found) if one < bound)
    return [known[-negated][0] for _, negated in near[:limit]]


def named(sketches: list[bytes], start: int = 0) -> list[tuple[str, bytes]]:
    return [(f"{number:04d}", sketch) for number, sketch in enumerate(sketches, start)]


@settings(max_examples=200)
@given(st.lists(ANY_LENGTH, max_size=12), st.lists(st.tuples(ANY_LENGTH, SKETCHES), max_size=12), SKETCHES)
def test_the_nearest_are_those_of_a_comparison_one_by_one(
    first: list[bytes], later: list[tuple[bytes, bytes]], last: bytes
) -> None:
    known = named(first)
    newest = NewestSketches(MOST, known)
    for added, asked in later:
        assert newest.nearest(asked, 0.5, 3) == compared_one_by_one(known[-MOST:], asked, 0.5, 3)
        known.append((f"{len(known):04d}", added))
        newest.add(*known[-1])
    assert newest.nearest(last, 0.5, 3) == compared_one_by_one(known[-MOST:], last, 0.5, 3)


def test_of_many_that_are_equal_the_newest_are_given() -> None:
    ones = struct.pack("<4f", 1, 1, 1, 1)
    newest = NewestSketches(4 * COMPARED, named([ones] * 3 * COMPARED))
    assert newest.nearest(ones, 0.5, 3) == [f"{3 * COMPARED - back:04d}" for back in (1, 2, 3)]


def test_a_nearer_one_is_found_among_many_near_ones() -> None:
    known = named([struct.pack("<2f", 1, 1.1)] * 50 + [struct.pack("<2f", 1, 1)] + [struct.pack("<2f", 1, 1.1)] * 500)
    assert NewestSketches(1000, known).nearest(struct.pack("<2f", 1, 1), 0.5, 2) == ["0050", "0550"]


def test_where_nothing_is_known_or_asked_nothing_is_near() -> None:
    assert NewestSketches(MOST).nearest(struct.pack("<f", 1), 0.5, 3) == []
    assert NewestSketches(MOST, named([b""])).nearest(b"", 0.5, 3) == []
