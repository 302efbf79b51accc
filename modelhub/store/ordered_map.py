"""Work done on several threads and handed back in order, with a bound on what is in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

In = TypeVar("In")
Out = TypeVar("Out")

MAX_IN_FLIGHT = 64


def ordered_map(
    executor: Executor,
    function: Callable[[In], Out],
    items: Iterable[In],
    *,
    weigh: Callable[[In], int],
    budget: int,
) -> Iterator[Out]:
    """Yield `function(item)` for every item, in order.

    Items are started ahead of the consumer while their weights sum to at most `budget` (always at least one). What
    was started and not yet consumed is cancelled or waited for when the consumer stops.
    """
    waiting: deque[tuple[Future[Out], int]] = deque()
    load = 0
    try:
        for item in items:
            weight = weigh(item)
            while waiting and (load + weight > budget or len(waiting) >= MAX_IN_FLIGHT):
                first, done = waiting.popleft()
                load -= done
                yield first.result()
            waiting.append((executor.submit(function, item), weight))
            load += weight
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        for future, _ in waiting:
            future.cancel()
