"""Put rows about runs and their lineage into the catalog's tables: plain tuples in the order the docstrings give.

Callers hold the transaction. A `run_no` is a number of `mh_runs`, any other `..._no` one from `rows.oid_no`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from modelhub.catalog.rows import Rows

OF_A_RUN = ("run_params", "run_tags", "series", "usages", "lineage", "commit_runs")

_RUN = [
    "run_id",
    "object_no",
    "is_pending",
    "name",
    "status",
    "author_name",
    "author_email",
    "started",
    "ended",
    "command",
    "exit_code",
    "points",
    "git_commit",
    "git_dirty",
    "diff_no",
    "head_no",
    "tree_no",
    "replays",
    "origin",
    "points_no",
    "stdout_no",
    "stderr_no",
]
_SERIES = [
    "run_no",
    "name",
    "points",
    "step_column",
    "time_column",
    "value_column",
    "first_step",
    "last_step",
    "last",
    "minimum",
    "minimum_step",
    "maximum",
    "maximum_step",
    "best",
    "best_step",
    "goal",
    "nans",
    "data_no",
    "data_path",
    "code_no",
]
_USAGE = [
    "run_no",
    "position",
    "is_output",
    "path",
    "file_no",
    "nbytes",
    "is_kept",
    "source_commit_no",
    "source_path",
    "step",
]
_ENVIRONMENT = ["is_run", "owner_no", "python", "system", "host", "gpu", "packages_no"]
_LINEAGE = [
    "commit_no",
    "run_no",
    "path",
    "file_no",
    "relation",
    "named_commit_no",
    "parent_commit_no",
    "parent_path",
    "parent_file_no",
    "parent_name",
    "evidence",
]


def add_run(connection: sqlite3.Connection, row: Sequence[Any]) -> int:
    """Add a run (the columns of `mh_runs` but its number and `is_replaced`, in their order); return its number."""
    columns, marks = ", ".join(_RUN), ", ".join("?" * len(_RUN))
    query = f"insert into mh_runs ({columns}, is_replaced) values ({marks}, 0)"  # noqa: S608
    return int(connection.execute(query, row).lastrowid or 0)


def known_run_no(connection: sqlite3.Connection, object_no: int) -> int | None:
    """Return the number of a run that a version took in, by its object."""
    query = "select no from mh_runs where object_no = ? and not is_pending"
    row = connection.execute(query, (object_no,)).fetchone()
    return None if row is None else int(row[0])


def is_taken_in(connection: sqlite3.Connection, run_id: str) -> bool:
    """Tell whether a version has taken in a run."""
    query = "select 1 from mh_runs where run_id = ? and not is_pending"
    return connection.execute(query, (run_id,)).fetchone() is not None


def add_commit_runs(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, run_no)."""
    connection.executemany("insert or ignore into mh_commit_runs (commit_no, run_no) values (?, ?)", rows)


def add_run_params(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (run_no, name, value as text or None, number or None)."""
    connection.executemany("insert into mh_run_params (run_no, name, value, number) values (?, ?, ?, ?)", rows)


def add_run_tags(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (run_no, name, value)."""
    connection.executemany("insert into mh_run_tags (run_no, name, value) values (?, ?, ?)", rows)


def add_series(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add the columns of `mh_series` but its number, in their order; NaN becomes NULL."""
    _insert(connection, "mh_series", _SERIES, rows)


def add_usages(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (run_no, position, 1 for an output, path, file_no, bytes, 1 if kept, source_commit_no, source path, step)."""
    _insert(connection, "mh_usages", _USAGE, rows)


def add_environments(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (1 for a run's, commit_no or run_no, python, system, host, gpu, packages_no)."""
    _insert(connection, "mh_environments", _ENVIRONMENT, rows)


def has_packages(connection: sqlite3.Connection, packages_no: int) -> bool:
    """Tell whether a list of packages is there (an empty one never is)."""
    query = "select 1 from mh_packages where packages_no = ? limit 1"
    return connection.execute(query, (packages_no,)).fetchone() is not None


def add_packages(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (packages_no, name, version)."""
    connection.executemany("insert or ignore into mh_packages (packages_no, name, version) values (?, ?, ?)", rows)


def add_lineage(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add the columns of `mh_lineage` but its number, in their order."""
    _insert(connection, "mh_lineage", _LINEAGE, rows)


def add_models(connection: sqlite3.Connection, commit_no: int, parent_no: int | None) -> None:
    """Add the model files of a commit whose files are there, and whose first parent's models are."""
    connection.execute(
        """
        insert or ignore into mh_models (commit_no, path, file_no, manifest_no, origin_no)
        select f.commit_no, f.path, f.file_no, f.manifest_no, coalesce(p.origin_no, f.commit_no)
        from (
          select d.commit_no, case d.path when '' then e.name else d.path || '/' || e.name end as path,
            e.file_no, e.manifest_no
          from mh_directories d
          join mh_entries e on e.tree_no = d.tree_no
          join mh_manifests m on m.no = e.manifest_no
          where d.commit_no = ? and m.tensors > 0
        ) f
        left join mh_models p on p.commit_no = ? and p.path = f.path and p.file_no = f.file_no
        """,
        (commit_no, parent_no),
    )


def drop_runs(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Take runs out with all that hangs on them."""
    gone = [(no,) for no in numbers]
    for table in OF_A_RUN:
        connection.executemany(f"delete from mh_{table} where run_no = ?", gone)  # noqa: S608
    connection.executemany("delete from mh_environments where is_run = 1 and owner_no = ?", gone)
    connection.executemany("delete from mh_runs where no = ?", gone)


def mark_replaced(connection: sqlite3.Connection) -> None:
    """Of several states of one run (imported again when it had gone on) show the last; which one, follows from them."""
    connection.execute("update mh_runs set is_replaced = 0 where is_replaced")
    query = "select run_id from mh_runs group by run_id having count(*) > 1"
    for (run_id,) in connection.execute(query).fetchall():
        connection.execute(
            "update mh_runs set is_replaced = 1 where run_id = ?1 and no <> (select r.no from mh_runs r"
            " left join mh_oids o on o.no = r.object_no where r.run_id = ?1"
            " order by coalesce(r.ended, 0) desc, r.points desc, o.oid limit 1)",
            (run_id,),
        )


def _insert(connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)  # noqa: S608
