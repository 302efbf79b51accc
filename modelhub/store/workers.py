"""The threads of one store, started when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from modelhub.store.ordered_map import ordered_map

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

In = TypeVar("In")
Out = TypeVar("Out")

BUDGET_PER_WORKER = 1 << 23


class Workers:
    """A few threads for encoding and decoding; the heavy calls there run without the interpreter lock."""

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self.budget = (self.count + 1) * BUDGET_PER_WORKER
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    @property
    def executor(self) -> ThreadPoolExecutor:
        """The thread pool, made at the first call."""
        with self._lock:
            if self._executor is None:
                from concurrent.futures import ThreadPoolExecutor  # importing it costs more than reading a commit

                self._executor = ThreadPoolExecutor(self.count, thread_name_prefix="modelhub-store")
            return self._executor

    def map(self, function: Callable[[In], Out], items: Iterable[In], *, weigh: Callable[[In], int]) -> Iterator[Out]:
        """Yield results in order; at most `budget` bytes, as `weigh` counts them, are in flight."""
        return ordered_map(self.executor, function, items, weigh=weigh, budget=self.budget)

    def close(self) -> None:
        """Stop the threads after the work that was started."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()
