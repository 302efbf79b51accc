"""What a single query gets beside the public views: functions that views call, and temporary views."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

VIEW_FUNCTIONS = frozenset({"mh_step", "mh_time", "mh_value", "mh_distance"})
"""Called by views alone; the sandbox refuses them to queries."""


class Additions:
    """Functions of two integers by their SQL names, and temporary views (the text of a SELECT) by theirs.

    `error` gives the first exception that a function raised, for SQLite swallows them.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[[int, int], Any]],
        views: Mapping[str, str],
        error: Callable[[], Exception | None] = lambda: None,
    ) -> None:
        self._functions = functions
        self.views = dict(views)
        self.error = error

    def register(self, connection: sqlite3.Connection) -> None:
        """Give them to a connection, which from then on lets views call functions that are not SQLite's own."""
        for name, select in self.views.items():
            connection.execute(f"create temp view {name} as {select}")
        if not self._functions:
            return
        connection.execute("pragma trusted_schema = on")
        for name, function in self._functions.items():
            connection.create_function(name, 2, function, deterministic=True)
