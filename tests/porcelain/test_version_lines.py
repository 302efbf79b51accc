"""The bases tried along a line of versions are few, real, and let chains stay short."""

from __future__ import annotations

import pytest

from modelhub.porcelain.version_lines import bases_in_line


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8, 21, 64, 100])
def test_bases_are_other_versions_of_the_line(count: int) -> None:
    found = bases_in_line(count)
    assert len(found) == count
    for place, ways in enumerate(found):
        assert len(set(ways)) == len(ways) <= 11
        for bases in ways:
            assert 1 <= len(set(bases)) == len(bases) <= 2
            assert all(0 <= base < count and base != place for base in bases)


@pytest.mark.parametrize("count", [5, 21, 64])
def test_every_version_can_rest_on_about_as_many_as_the_count_has_digits(count: int) -> None:
    """One whole version, the ends and anchors on it, and every other between two that lie further apart."""
    below: dict[int, set[int]] = {0: set()}
    ways = bases_in_line(count)
    while len(below) < count:
        ready = {
            place: min(({*bases}.union(*map(below.get, bases)) for bases in found if below.keys() >= {*bases}), key=len)
            for place, found in enumerate(ways)
            if place not in below and any(below.keys() >= {*bases} for bases in found)
        }
        assert ready
        below |= ready
    assert max(map(len, below.values())) <= count.bit_length() + 1


def test_a_version_in_the_middle_is_tried_between_its_neighbours() -> None:
    ways = bases_in_line(21)
    assert (4, 6) in ways[5]
    assert (4, 8) in ways[6]
    assert (0, 8) in ways[4]
    assert (16, 20) in ways[18]
