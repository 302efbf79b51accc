"""Everything the catalog answers, in a form in which two catalogs can be compared."""

from __future__ import annotations

import contextlib

from modelhub.catalog.asking import ask
from modelhub.catalog.opening import open_current
from modelhub.catalog.views.registry import VIEWS
from modelhub.repository.repository import Repository

ASKED = ("tensor_changes", "metric_history", "lineage_paths")
"""Views of what is not in the catalog alone: a query completes them."""


def all_answers(repo: Repository, *, measured: bool = True) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every view, sorted; without `measured` those of `tensor_changes` as far as they are known."""
    asked = [name for name in ASKED if measured or name != "tensor_changes"]
    found = {}
    for name in asked:
        result = ask(repo, f"select * from {name}", params={}, limit_rows=None, timeout_s=60.0)
        found[name] = sorted(result.rows(), key=repr)
    with open_current(repo) as connection:
        for view in VIEWS:
            if view.name not in asked:
                found[view.name] = sorted(connection.execute(f"select * from {view.name}"), key=repr)
    return found


def forget_catalog(repo: Repository) -> None:
    for ending in ("", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            repo.layout.catalog.with_name(repo.layout.catalog.name + ending).unlink()
