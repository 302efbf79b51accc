"""Tests of gathering points."""

from __future__ import annotations

import pytest

from modelhub.importers.gathered_points import GatheredPoints


def test_points_are_ordered_by_step_then_time_then_as_they_came() -> None:
    points = GatheredPoints()
    for step, time, value in ((2, 5, 0.1), (1, 9, 0.2), (1, 3, 0.3), (2, 5, 0.4), (-1, 7, 0.5)):
        points.add("loss", step, time, value)
    points.series("empty")
    ((name, columns),) = points.columns().items()
    assert name == "loss"
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == [
        (-1, 7, 0.5), (1, 3, 0.3), (1, 9, 0.2), (2, 5, 0.1), (2, 5, 0.4),
    ]  # fmt: skip
    assert len(points) == 5


def test_points_from_a_step_on_can_be_taken_back() -> None:
    points = GatheredPoints()
    for step in range(10):
        points.add("a", step, step, 1.0)
        points.add("b", step // 4, step, 1.0)
    assert points.drop_from(2) == 8 + 2
    assert {name: columns[0].tolist() for name, columns in points.columns().items()} == {
        "a": [0, 1], "b": [0] * 4 + [1] * 4,
    }  # fmt: skip


def test_a_step_of_more_than_64_bits_is_refused_and_leaves_nothing() -> None:
    points = GatheredPoints()
    with pytest.raises(OverflowError):
        points.add("a", 1, 1 << 64, 1.0)
    assert len(points) == 0
    assert points.columns() == {}
