"""Things that were read lately, as many as a bound on all that is in them allows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sized
from typing import Generic, TypeVar

T = TypeVar("T", bound=Sized)


class Recent(Generic[T]):
    """Remembers what `read` returned; what was not asked for longest goes first."""

    def __init__(self, read: Callable[[str], T], most: int) -> None:
        self._read = read
        self._most = most
        self._held = 0
        self._found: OrderedDict[str, T] = OrderedDict()

    def __call__(self, key: str) -> T:
        """Return what is there under a key."""
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = self._found[key] = self._read(key)
        self._held += len(found) + 1
        while self._held > self._most and len(self._found) > 1:
            _, gone = self._found.popitem(last=False)
            self._held -= len(gone) + 1
        return found
