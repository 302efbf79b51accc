"""What the repository holds that a person may want to type: names of metrics and params, refs, saved queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelhub.errors import ModelHubError
from modelhub.porcelain.query import query
from modelhub.porcelain.saved_queries import saved_queries
from modelhub.repository.repository import Repository

MOST_VALUES = 500
PATIENCE_S = 0.5


class RecordedNames:
    """Asks the catalog, and remembers the answers until `forget`: the history may have grown after each query."""

    def __init__(self, repository: Callable[[], Repository]) -> None:
        self._repository = repository
        self._values: dict[tuple[str, str], list[str]] = {}

    def values(self, view: str, column: str) -> Sequence[str]:
        """Return the values of a view's column, nothing where finding them takes too long."""
        if (view, column) not in self._values:
            self._values[view, column] = self._ask(view, column)
        return self._values[view, column]

    def saved(self) -> Sequence[tuple[str, str]]:
        """Return the names of the saved queries and what they are for."""
        return [(saved.name, saved.description) for saved in saved_queries(self._repository())]

    def forget(self) -> None:
        """Ask again the next time."""
        self._values.clear()

    def _ask(self, view: str, column: str) -> list[str]:
        sql = f"select distinct {column} from {view} where {column} is not null order by 1"  # noqa: S608 - known names
        try:
            rows = query(self._repository(), sql=sql, limit=MOST_VALUES, timeout_s=PATIENCE_S)
        except ModelHubError:
            return []
        return [str(value) for (value,) in rows]
