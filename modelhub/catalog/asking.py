"""Answer a person's SQL from a catalog that reflects the newest operation, or one of the past."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelhub.catalog.differences import Between, difference_sql, fill_differences
from modelhub.catalog.opening import Connection, open_current, open_with
from modelhub.catalog.query.additions import Additions
from modelhub.catalog.query.result import QueryResult
from modelhub.catalog.query.sql import LIMIT_ROWS, run
from modelhub.catalog.query.tensor_diff import Revision, Rewritten, rewrite
from modelhub.catalog.revisions import resolve_place
from modelhub.errors import ModelHubError, QuerySyntaxError
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository
from modelhub.repository.revision import Place

_MEASURED_VIEW = re.compile(r"\btensor_changes\b", re.IGNORECASE)
_POINTS_VIEW = re.compile(r"\bmetric_history\b", re.IGNORECASE)
_PATHS_VIEW = re.compile(r"\blineage_paths\b", re.IGNORECASE)


def ask(
    repository: Repository,
    text: str,
    *,
    params: Mapping[str, Any],
    limit_rows: int | None = LIMIT_ROWS,
    timeout_s: float,
    as_of: str | None = None,
    progress: Progress = SILENT,
) -> QueryResult:
    """Run one query over the public views, as they were at a moment (`as_of`, see `as_of.py`) or are now.

    What takes comparing tensors is completed first, outside the time limit.
    """
    rewritten = rewrite(text, params)
    with _open(repository, as_of) as present, contextlib.ExitStack() as stack:
        pairs = _resolved(repository, present, text, rewritten, is_past=as_of is not None)
        commits = {place.commit for pair in pairs.values() for place in pair}
        connection = stack.enter_context(open_with(repository, present, commits))
        _check_paths(connection, text, rewritten, pairs)
        memory = connection if _is_in_memory(connection) else None
        if _MEASURED_VIEW.search(text):
            fill_differences(repository, memory, progress)
        for pair in pairs.values():
            fill_differences(repository, memory, progress, between=pair)
        views = {name: difference_sql(connection, pair) for name, pair in pairs.items()}
        try:
            return run(
                repository.layout.catalog,
                rewritten.text,
                params=params,
                limit_rows=limit_rows,
                timeout_s=timeout_s,
                in_memory=memory,
                additions=_additions(repository, connection, text, views),
            )
        except QuerySyntaxError as error:
            error.text = text
            raise


@contextlib.contextmanager
def _open(repository: Repository, as_of: str | None) -> Iterator[Connection]:
    if as_of is None:
        with open_current(repository) as connection:
            yield connection
        return
    from modelhub.catalog.as_of import open_as_of

    with contextlib.closing(open_as_of(repository, as_of)) as connection:
        yield connection


def _additions(repository: Repository, connection: Connection, text: str, views: Mapping[str, str]) -> Additions:
    """What the views in the text call; nothing is read for the others."""
    functions: dict[str, Callable[[int, int], Any]] = {}
    points = None
    if _POINTS_VIEW.search(text):
        from modelhub.catalog.points import Points

        points = Points(repository, connection)
        functions |= points.functions()
    if _PATHS_VIEW.search(text):
        from modelhub.catalog.lineage import LineageDistances

        functions["mh_distance"] = LineageDistances(connection).distance
    return Additions(functions, views, lambda: None if points is None else points.error)


def _resolved(
    repository: Repository, connection: Connection, text: str, rewritten: Rewritten, *, is_past: bool
) -> dict[str, Between]:
    """Return the places that each comparison in a query names: a path on one side only is that of both."""

    def place(revision: Revision) -> Place:
        if is_past:
            query = "select o.oid from mh_refs r join mh_oids o on o.no = r.commit_no where r.name = ?"
            name, colon, path = revision.text.partition(":")
            found = connection.execute(query, (name,)).fetchone()
            if found is not None:
                return Place(str(found[0]), path if colon else None)
        try:
            return resolve_place(repository, revision.text)
        except ModelHubError as error:
            position = revision.position
            raise QuerySyntaxError(error.message, text=text, position=position, hint=error.hint) from None

    found = {}
    for name, call in rewritten.calls.items():
        before, after = map(place, call)
        path = before.path or after.path
        found[name] = Place(before.commit, before.path or path), Place(after.commit, after.path or path)
    return found


def _check_paths(connection: Connection, text: str, rewritten: Rewritten, pairs: Mapping[str, Between]) -> None:
    query = "select m.path from mh_models m join mh_oids c on c.no = m.commit_no where c.oid = ? order by 1"
    for name, pair in pairs.items():
        sides = zip(rewritten.calls[name], pair, strict=True)
        for revision, place in sorted(sides, key=lambda side: ":" not in side[0].text):
            known = [path for (path,) in connection.execute(query, (place.commit,))] if place.path else []
            if place.path and place.path not in known:
                raise QuerySyntaxError(
                    f"there is no model file '{place.path}' in '{revision.text.partition(':')[0] or 'HEAD'}'",
                    text=text,
                    position=revision.position,
                    hint=f"it has: {', '.join(known[:5])}{', …' if len(known) > 5 else ''}" if known else None,
                )


def _is_in_memory(connection: Connection) -> bool:
    return not connection.execute("pragma database_list").fetchone()[2]
