"""Put rows into the catalog's tables: one function per table, plain tuples in the order its docstring gives.

Callers hold the transaction. A `..._no` is a number from `oid_no`, except a tensor's, which `tensor_no` gives.
Rows about immutable things may be given twice: the second time changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

Rows = Iterable[Sequence[Any]]


def oid_no(connection: sqlite3.Connection, oid: str) -> int:
    """Return the number of an object id, giving it one if it has none."""
    row = connection.execute("select no from mh_oids where oid = ?", (oid,)).fetchone()
    if row is None:
        row = (connection.execute("insert into mh_oids (oid) values (?)", (oid,)).lastrowid,)
    return int(row[0])


def known_oid_no(connection: sqlite3.Connection, oid: str) -> int | None:
    """Return the number of an object id, or None if it has none."""
    row = connection.execute("select no from mh_oids where oid = ?", (oid,)).fetchone()
    return None if row is None else int(row[0])


def has_commit(connection: sqlite3.Connection, commit_no: int) -> bool:
    """Tell whether a commit's row is there."""
    return connection.execute("select 1 from mh_commits where no = ?", (commit_no,)).fetchone() is not None


def has_manifest(connection: sqlite3.Connection, manifest_no: int) -> bool:
    """Tell whether a manifest's row is there (its tensors are put in before it)."""
    return connection.execute("select 1 from mh_manifests where no = ?", (manifest_no,)).fetchone() is not None


def has_storage(connection: sqlite3.Connection, number: int) -> bool:
    """Tell whether it is noted how an object is stored."""
    return connection.execute("select 1 from mh_storage where no = ?", (number,)).fetchone() is not None


def has_tree(connection: sqlite3.Connection, tree_no: int) -> bool:
    """Tell whether any file of this folder is there (a folder of folders has none)."""
    return connection.execute("select 1 from mh_entries where tree_no = ? limit 1", (tree_no,)).fetchone() is not None


def tree_of(connection: sqlite3.Connection, commit_no: int) -> str | None:
    """Return the id of a commit's tree, None where the commit has no row."""
    query = "select o.oid from mh_commits c join mh_oids o on o.no = c.tree_no where c.no = ?"
    row = connection.execute(query, (commit_no,)).fetchone()
    return None if row is None else str(row[0])


def generation(connection: sqlite3.Connection, parents: Sequence[int]) -> int:
    """Return the generation of a commit with these parents, whose rows are there already: one above the highest."""
    found = [
        connection.execute("select generation from mh_commits where no = ?", (parent,)).fetchone() for parent in parents
    ]
    return 1 + max((int(row[0]) for row in found if row is not None), default=0)


def add_commits(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (no, tree_no, generation, author, e-mail, unix ms, offset minutes, message, git commit, branch, dirty, JSON).

    The git fields are None where there was no git; dirty is 0 or 1. The JSON has the metrics.
    """
    connection.executemany(
        "insert or ignore into mh_commits (no, tree_no, generation, author_name, author_email, time, offset_minutes,"
        " message, summary, git_commit, git_branch, git_dirty, metrics)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*row[:8], str(row[7]).split("\n", 1)[0], *row[8:]) for row in rows),
    )


def add_parents(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, position, parent_no)."""
    connection.executemany("insert or ignore into mh_parents (commit_no, position, parent_no) values (?, ?, ?)", rows)


def add_params(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, name, value as text or None, number or None)."""
    connection.executemany("insert or ignore into mh_params (commit_no, name, value, number) values (?, ?, ?, ?)", rows)


def add_metrics(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, name, value, data_no or None, data path or None, code_no or None); NaN becomes NULL."""
    connection.executemany(
        "insert or ignore into mh_metrics (commit_no, name, value, data_no, data_path, code_no)"
        " values (?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_derivations(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, path, relation, source_commit_no, source path, source name or '', 1 if declared else 0)."""
    connection.executemany(
        "insert or ignore into mh_derivations"
        " (commit_no, path, relation, source_commit_no, source_path, source_name, is_declared)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_directories(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, path of the folder, tree_no), or set the tree: every folder of a commit, the top one as ''."""
    connection.executemany("insert or replace into mh_directories (commit_no, path, tree_no) values (?, ?, ?)", rows)


def copy_directories(connection: sqlite3.Connection, source_no: int, commit_no: int) -> bool:
    """Give a commit the folders of another; tell whether that one has any."""
    query = (
        "insert or ignore into mh_directories (commit_no, path, tree_no)"
        " select ?, path, tree_no from mh_directories where commit_no = ?"
    )
    return connection.execute(query, (commit_no, source_no)).rowcount > 0


def drop_directories(connection: sqlite3.Connection, commit_no: int, path: str) -> None:
    """Take a folder of a commit out, with those below it."""
    if not path:
        connection.execute("delete from mh_directories where commit_no = ?", (commit_no,))
        return
    after = chr(ord("/") + 1)
    connection.execute("delete from mh_directories where commit_no = ? and path = ?", (commit_no, path))
    connection.execute(
        "delete from mh_directories where commit_no = ? and path > ? and path < ?",
        (commit_no, f"{path}/", path + after),
    )


def add_entries(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (tree_no, name, mode, size, file_no, manifest_no or None): the files of a folder, not its folders."""
    connection.executemany(
        "insert or ignore into mh_entries (tree_no, name, mode, size, file_no, manifest_no) values (?, ?, ?, ?, ?, ?)",
        rows,
    )


def count_entries(connection: sqlite3.Connection, tree_no: int) -> int:
    """Return how many files of a folder are there."""
    return int(connection.execute("select count(*) from mh_entries where tree_no = ?", (tree_no,)).fetchone()[0])


def copy_entries(connection: sqlite3.Connection, source_no: int, tree_no: int) -> None:
    """Give a folder the files of another."""
    connection.execute(
        "insert or ignore into mh_entries (tree_no, name, mode, size, file_no, manifest_no)"
        " select ?, name, mode, size, file_no, manifest_no from mh_entries where tree_no = ?",
        (tree_no, source_no),
    )


def drop_entries(connection: sqlite3.Connection, tree_no: int, names: Iterable[str]) -> None:
    """Take files of a folder out."""
    connection.executemany("delete from mh_entries where tree_no = ? and name = ?", [(tree_no, name) for name in names])


def add_manifests(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (no, format, size, file_no, number of tensors, problem or None, parameters, dtypes as `int8:0.25,...`)."""
    connection.executemany(
        "insert or ignore into mh_manifests (no, format, size, file_no, tensors, problem, parameters, dtypes)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_manifest_tensors(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (manifest_no, position, name, dtype, shape as '[2,3]', elements, bytes, 1 if a view else 0, tensor_no)."""
    connection.executemany(
        "insert or ignore into mh_manifest_tensors"
        " (manifest_no, position, name, dtype, shape, elements, nbytes, is_view, tensor_no, layer_length)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*row, _layer_length(row[2])) for row in rows),
    )


def add_pieces(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (manifest_no, piece_no): the objects of a file that are no tensors."""
    connection.executemany("insert or ignore into mh_pieces (manifest_no, piece_no) values (?, ?)", rows)


def _layer_length(name: str) -> int:
    """A layer is what its tensors' names begin with, up to the last dot; a name without one is a layer of its own."""
    dot = name.rfind(".")
    return dot if dot > 0 else len(name)


def known_tensor_no(connection: sqlite3.Connection, oid_number: int, dtype: str) -> int | None:
    """Return the number of a tensor (bytes under a dtype), or None if it has no row."""
    row = connection.execute("select no from mh_tensors where oid_no = ? and dtype = ?", (oid_number, dtype)).fetchone()
    return None if row is None else int(row[0])


def tensor_no_of(connection: sqlite3.Connection, oid: str, dtype: str) -> int | None:
    """Return the number of a tensor by its id, or None if it has no row."""
    query = "select t.no from mh_oids o join mh_tensors t on t.oid_no = o.no where o.oid = ? and t.dtype = ?"
    row = connection.execute(query, (oid, dtype)).fetchone()
    return None if row is None else int(row[0])


def tensor_no(connection: sqlite3.Connection, row: Sequence[Any]) -> int:
    """Add a tensor if it is not there and return its number.

    (oid_no, dtype, elements, bytes, mean, std, minimum, maximum, norm, zero share, NaNs, Infs, sketch, checksum)
    """
    found = known_tensor_no(connection, row[0], row[1])
    if found is not None:
        return found
    inserted = connection.execute(
        "insert into mh_tensors"
        " (oid_no, dtype, elements, nbytes, mean, std, minimum, maximum, norm, zero_share, nans, infs, sketch,"
        " checksum) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    return int(inserted.lastrowid or 0)


def put_storage(connection: sqlite3.Connection, rows: Rows) -> None:
    """Set (no, kind, bytes, stored bytes, base_no or None, depth, codecs as text): how objects are stored now."""
    connection.executemany(
        "insert or replace into mh_storage (no, kind, nbytes, stored_nbytes, base_no, depth, codecs)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_differences(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (before tensor_no, after tensor_no, relative, cosine, largest, share changed, new NaNs, new Infs)."""
    connection.executemany(
        "insert or ignore into mh_differences"
        " (before_no, after_no, relative, cosine, largest, changed, new_nans, new_infs)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_lint(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (commit_no, path, tensor or '', code, severity, message)."""
    connection.executemany(
        "insert or ignore into mh_lint (commit_no, path, tensor, code, severity, message) values (?, ?, ?, ?, ?, ?)",
        rows,
    )


def replace_refs(connection: sqlite3.Connection, rows: Rows) -> None:
    """Make these all the refs there are: (kind, short name, commit_no, 1 for HEAD and the branch it is on else 0)."""
    connection.execute("delete from mh_refs")
    connection.executemany("insert into mh_refs (kind, name, commit_no, is_head) values (?, ?, ?, ?)", rows)


def replace_forgotten(connection: sqlite3.Connection, rows: Rows) -> None:
    """Make these all the forgotten versions there are: (commit_no, unix ms, who)."""
    connection.execute("delete from mh_forgotten")
    connection.executemany("insert into mh_forgotten (commit_no, time, who) values (?, ?, ?)", rows)


def add_operations(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (no, sequence, previous_no, unix ms, offset minutes, who, e-mail, command, head, undoes_no or None)."""
    connection.executemany(
        "insert or ignore into mh_operations"
        " (no, sequence, previous_no, time, offset_minutes, who, email, command, head, undoes_no)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_ref_changes(connection: sqlite3.Connection, rows: Rows) -> None:
    """Add (operation_no, full ref name, old commit_no or None, new commit_no or None)."""
    connection.executemany(
        "insert or ignore into mh_ref_changes (operation_no, ref, old_no, new_no) values (?, ?, ?, ?)", rows
    )


def sketches(connection: sqlite3.Connection, dtype: str, elements: int, limit: int = 4096) -> list[tuple[str, bytes]]:
    """Return the (oid, sketch) of the newest tensors of this dtype and size: candidates for the base of a delta."""
    rows = connection.execute(
        "select o.oid, t.sketch from mh_tensors t join mh_oids o on o.no = t.oid_no"
        " where t.dtype = ? and t.elements = ? and t.sketch is not null order by t.no desc limit ?",
        (dtype, elements, limit),
    )
    return [(str(oid), bytes(sketch)) for oid, sketch in rows]
