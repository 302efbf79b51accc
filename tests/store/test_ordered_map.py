"""Ordered maps keep the order and their budget."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelhub.store.ordered_map import ordered_map


def test_results_come_in_order() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(ordered_map(pool, lambda x: x * x, range(200), weigh=lambda _: 1, budget=9)) == [
            number * number for number in range(200)
        ]


def test_no_more_than_the_budget_is_started_ahead() -> None:
    started = []
    with ThreadPoolExecutor(4) as pool:
        results = ordered_map(pool, started.append, range(100), weigh=lambda _: 10, budget=30)
        next(results)
        assert len(started) <= 4
        results.close()
    assert len(started) <= 4


def test_an_item_above_the_budget_is_still_done() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert list(ordered_map(pool, str, [1, 2], weigh=lambda _: 99, budget=3)) == ["1", "2"]


def test_an_error_comes_up_at_its_place() -> None:
    def fail_at_three(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with ThreadPoolExecutor(2) as pool:
        results = ordered_map(pool, fail_at_three, range(9), weigh=lambda _: 1, budget=4)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="three"):
            next(results)


def test_work_is_really_done_on_other_threads() -> None:
    with ThreadPoolExecutor(2) as pool:
        names = set(ordered_map(pool, lambda _: threading.current_thread().name, range(5), weigh=lambda _: 1, budget=5))
    assert threading.current_thread().name not in names
