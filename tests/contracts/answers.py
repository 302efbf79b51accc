"""Everything the catalog answers, in a form in which two catalogs can be compared."""

from __future__ import annotations

import contextlib

from modelhub.catalog.differences import fill_differences
from modelhub.catalog.opening import open_current
from modelhub.catalog.views.registry import VIEWS
from modelhub.repository.repository import Repository


def all_answers(repo: Repository, *, measured: bool = True) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every view, sorted; `measured` completes the view `changes` first."""
    with open_current(repo) as connection:
        if measured:
            fill_differences(repo)
        return {view.name: sorted(connection.execute(f"select * from {view.name}"), key=repr) for view in VIEWS}


def forget_catalog(repo: Repository) -> None:
    for ending in ("", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            repo.layout.catalog.with_name(repo.layout.catalog.name + ending).unlink()
