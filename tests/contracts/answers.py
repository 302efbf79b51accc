"""Everything the catalog answers, in a form in which two catalogs can be compared."""

from __future__ import annotations

import contextlib

from modelhub.catalog.asking import ask
from modelhub.catalog.opening import open_current
from modelhub.catalog.views.registry import VIEWS
from modelhub.repository.repository import Repository


def all_answers(repo: Repository, *, measured: bool = True) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every view, sorted; without `measured` those of `tensor_changes` as far as they are known."""
    found = {}
    for view in VIEWS:
        if view.name == "tensor_changes" and not measured:
            with open_current(repo) as connection:
                found[view.name] = sorted(connection.execute(f"select * from {view.name}"), key=repr)
        else:
            result = ask(repo, f"select * from {view.name}", params={}, limit_rows=None, timeout_s=60.0)
            found[view.name] = sorted(result.rows(), key=repr)
    return found


def forget_catalog(repo: Repository) -> None:
    for ending in ("", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            repo.layout.catalog.with_name(repo.layout.catalog.name + ending).unlink()
