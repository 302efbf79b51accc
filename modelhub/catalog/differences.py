"""Fill in how far tensors moved between a commit and its parent, which the view `changes` shows.

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

_MISSING = """
select distinct u.tensor_no, t.tensor_no, b.oid, a.oid, u.dtype, t.dtype
from mh_parents p
join mh_directories d on d.commit_no = p.commit_no
join mh_directories g on g.commit_no = p.parent_no and g.path = d.path and g.tree_no <> d.tree_no
join mh_entries e on e.tree_no = d.tree_no
join mh_entries f on f.tree_no = g.tree_no and f.name = e.name and f.manifest_no <> e.manifest_no
join mh_manifest_tensors t on t.manifest_no = e.manifest_no and not t.is_view
join mh_manifest_tensors u on u.manifest_no = f.manifest_no and u.name = t.name and u.shape = t.shape and not u.is_view
join mh_tensors v on v.no = u.tensor_no join mh_oids b on b.no = v.oid_no
join mh_tensors w on w.no = t.tensor_no join mh_oids a on a.no = w.oid_no
where p.position = 0 and u.tensor_no <> t.tensor_no and v.nans is not null and w.nans is not null
  and not exists (select 1 from mh_differences x where x.before_no = u.tensor_no and x.after_no = t.tensor_no)
"""
_BATCH = 50

Pair = tuple[int, int, str, str, str, str]
Difference = tuple[int, int, float | None, float | None, float | None, float, int, int]


def fill_differences(
    repository: Repository, connection: sqlite3.Connection | None = None, progress: Progress = SILENT
) -> None:
    """Compare every pair of tensors that is not compared yet. Stopped at any point, what was compared is kept.

    Cost: about 0.3 s for a changed model of 90 MB, once. With `connection` the rows go there, not to the file.
    """
    if connection is not None:
        for found in _compared(repository, connection, progress):
            with transaction(connection):
                rows.add_differences(connection, found)
        return
    catalog = repository.layout.catalog
    with contextlib.suppress(CatalogUnusableError), contextlib.closing(open_catalog(catalog)) as file:
        opened = catalog.stat().st_ino
        for found in _compared(repository, file, progress):
            with repository.writing():
                if catalog.stat().st_ino != opened:  # replaced meanwhile; what it lacks is filled in when asked again
                    return
                with transaction(file):
                    rows.add_differences(file, found)


def _compared(repository: Repository, connection: sqlite3.Connection, progress: Progress) -> Iterator[list[Difference]]:
    """Yield the missing rows, some at a time."""
    pairs: list[Pair] = connection.execute(_MISSING).fetchall()
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
