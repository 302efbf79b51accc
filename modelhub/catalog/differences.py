"""Fill in how far tensors moved: between commits and their parents (the view `tensor_changes`) or any two commits.

Comparing takes decoding both tensors, so it is done when it is first asked for and then kept.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from itertools import islice

from modelhub.catalog import rows
from modelhub.catalog.database import CatalogUnusableError, open_catalog, transaction
from modelhub.errors import FormatError, ObjectNotFound
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository
from modelhub.repository.revision import Place

_CHANGED_FILES = """
select distinct f.manifest_no as before_no, e.manifest_no as after_no
from mh_parents p
join mh_directories d on d.commit_no = p.commit_no
join mh_directories g on g.commit_no = p.parent_no and g.path = d.path and g.tree_no <> d.tree_no
join mh_entries e on e.tree_no = d.tree_no
join mh_entries f on f.tree_no = g.tree_no and f.name = e.name and f.manifest_no <> e.manifest_no
where p.position = 0
"""
_FILES_BETWEEN = """
from mh_models m
join mh_models n on n.commit_no = {before} and n.manifest_no <> m.manifest_no and {alike}
"""
# Files of one path, or the one model file on either side.
_ALIKE = """(n.path = m.path or (
  (select count(*) from mh_models where commit_no = {before}) = 1
  and (select count(*) from mh_models where commit_no = {after}) = 1))"""
_MISSING = """
select distinct u.tensor_no, t.tensor_no, b.oid, a.oid, u.dtype, t.dtype
from ({files}) c
join mh_manifest_tensors t on t.manifest_no = c.after_no and not t.is_view
join mh_manifest_tensors u on u.manifest_no = c.before_no and u.name = t.name and u.shape = t.shape and not u.is_view
join mh_tensors v on v.no = u.tensor_no join mh_oids b on b.no = v.oid_no
join mh_tensors w on w.no = t.tensor_no join mh_oids a on a.no = w.oid_no
where u.tensor_no <> t.tensor_no and v.nans is not null and w.nans is not null
  and not exists (select 1 from mh_differences x where x.before_no = u.tensor_no and x.after_no = t.tensor_no)
"""
_DIFFERENCE = """
select '{after_id}' as commit_id, '{before_id}' as parent_id, m.path, t.name, t.dtype, t.elements,
  x.relative, x.cosine, x.largest, x.changed, x.new_nans, x.new_infs
{files}
join mh_manifest_tensors t on t.manifest_no = m.manifest_no
cross join mh_manifest_tensors u indexed by mh_manifest_tensors_by_name
  on u.manifest_no = n.manifest_no and u.name = t.name and u.tensor_no <> t.tensor_no
left join mh_differences x on x.before_no = u.tensor_no and x.after_no = t.tensor_no
where m.commit_no = {after}
"""
_BATCH = 50

Between = tuple[Place, Place]
"""Two commits, with paths where only two files are meant."""

Pair = tuple[int, int, str, str, str, str]
Difference = tuple[int, int, float | None, float | None, float | None, float, int, int]


def fill_differences(
    repository: Repository,
    connection: sqlite3.Connection | None = None,
    progress: Progress = SILENT,
    *,
    between: Between | None = None,
) -> None:
    """Compare every pair of tensors that is not compared yet, of each commit and its parent or between two.

    Stopped at any point, what was compared is kept. Cost: about 0.3 s for a changed model of 90 MB, once. With
    `connection` the rows go there, not to the file.
    """
    if connection is not None:
        for found in _compared(repository, connection, progress, between):
            with transaction(connection):
                rows.add_differences(connection, found)
        return
    catalog = repository.layout.catalog
    with contextlib.suppress(CatalogUnusableError), contextlib.closing(open_catalog(catalog)) as file:
        opened = catalog.stat().st_ino
        for found in _compared(repository, file, progress, between):
            with repository.writing():
                if catalog.stat().st_ino != opened:  # replaced meanwhile; what it lacks is filled in when asked again
                    return
                with transaction(file):
                    rows.add_differences(file, found)


def difference_sql(connection: sqlite3.Connection, between: Between) -> str:
    """Return the SELECT of how far each tensor moved between two commits; its columns are those of `tensor_changes`."""
    before, after = between
    files, number = _files_between(connection, between)
    return _DIFFERENCE.format(files=files, before_id=before.commit, after_id=after.commit, after=number)


def _files_between(connection: sqlite3.Connection, between: Between) -> tuple[str, int]:
    """Return the SQL of the pairs of files, and the number of the second commit."""
    query = "select no from mh_oids where oid = ?"
    before, after = (connection.execute(query, (place.commit,)).fetchone()[0] for place in between)
    alike = _ALIKE.format(before=before, after=after)
    if between[0].path and between[1].path:
        alike = f"n.path = {_quoted(between[0].path)} and m.path = {_quoted(between[1].path)}"
    return _FILES_BETWEEN.format(before=before, alike=alike), after


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _files(connection: sqlite3.Connection, between: Between | None) -> str:
    if between is None:
        return _CHANGED_FILES
    files, after = _files_between(connection, between)
    return f"select n.manifest_no as before_no, m.manifest_no as after_no {files} where m.commit_no = {after}"


def _compared(
    repository: Repository, connection: sqlite3.Connection, progress: Progress, between: Between | None
) -> Iterator[list[Difference]]:
    """Yield the missing rows, some at a time."""
    query = _MISSING.format(files=_files(connection, between))
    pairs: list[Pair] = connection.execute(query).fetchall()
    progress.start("comparing tensors", len(pairs), "tensors")
    waiting = iter(pairs)
    while batch := list(islice(waiting, _BATCH)):
        yield list(_compare(repository, batch, progress))


def _compare(repository: Repository, pairs: list[Pair], progress: Progress) -> Iterator[Difference]:
    from modelhub.weights.difference import compare

    for before_no, after_no, before, after, dtype_before, dtype_after in pairs:
        try:
            old, new = repository.store.open(before).blocks(), repository.store.open(after).blocks()
            result = compare(old, new, dtype_before, dtype_after)
        except (ObjectNotFound, FormatError):  # damaged: it stays unmeasured, fsck tells of it
            continue
        yield (
            before_no, after_no, result.relative, result.cosine, result.largest, result.changed,
            result.new_nans, result.new_infs,
        )  # fmt: skip
        progress.advance(1)
