"""Declare the catalog's tables, once, in SQLAlchemy Core; `python -m modelhub.catalog.schema` prints the DDL.

Importing this costs 200 ms, so at run time the printed copy, schema.sql, is executed; a test keeps the two equal.
Every table and column here may change between versions: people query the views (modelhub/catalog/views).

Ids are interned: `mh_oids` gives each object id a small number, and a column ending in `_no` holds such a number
(`tensor_no` the number of a row in `mh_tensors`, since equal bytes are another tensor under another dtype).
"""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import REAL, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from modelhub.catalog.views.registry import VIEWS

METADATA = MetaData()

# Three of these tables side by side count to 68 thousand million.
_FILL_NUMBERS = """
INSERT INTO mh_numbers (i)
WITH RECURSIVE count(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM count WHERE i < 4095)
SELECT i FROM count
""".strip()


def _key(name: str, kind: type[TypeEngine[Any]] = Integer) -> Column[Any]:
    return Column(name, kind, primary_key=True, nullable=False, autoincrement=False)


def _need(name: str, kind: type[TypeEngine[Any]] = Integer) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _maybe(name: str, kind: type[TypeEngine[Any]] = Integer) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _clustered(name: str, *items: Column[Any] | Index) -> Table:
    """Declare a table that is kept in the order of its key."""
    return Table(name, METADATA, *items, sqlite_with_rowid=False)


META = _clustered("mh_meta", _key("key", Text), _need("value", Text))

OIDS = Table("mh_oids", METADATA, _key("no"), _need("oid", Text), Index("mh_oids_by_oid", "oid", unique=True))

COMMITS = Table(
    "mh_commits",
    METADATA,
    _key("no"),
    _need("tree_no"),
    _need("generation"),
    _need("author_name", Text),
    _need("author_email", Text),
    _need("time"),
    _need("offset_minutes"),
    _need("message", Text),
    _need("summary", Text),
    _maybe("git_commit", Text),
    _maybe("git_branch", Text),
    _maybe("git_dirty"),
    _need("metrics", Text),
    Index("mh_commits_by_time", "time"),
)

PARENTS = _clustered(
    "mh_parents",
    _key("commit_no"),
    _key("position"),
    _need("parent_no"),
    Index("mh_parents_by_parent", "parent_no"),
)

PARAMS = _clustered("mh_params", _key("commit_no"), _key("name", Text), _maybe("value", Text), _maybe("number", REAL))

METRICS = _clustered(
    "mh_metrics",
    _key("commit_no"),
    _key("name", Text),
    _maybe("value", REAL),
    _maybe("data_no"),
    _maybe("data_path", Text),
    _maybe("code_no"),
    Index("mh_metrics_by_name", "name", "value"),
)

REFS = _clustered("mh_refs", _key("kind", Text), _key("name", Text), _need("commit_no"), _need("is_head"))

FORGOTTEN = _clustered("mh_forgotten", _key("commit_no"), _need("time"), _need("who", Text))

OPERATIONS = Table(
    "mh_operations",
    METADATA,
    _key("no"),
    _need("sequence"),
    _maybe("previous_no"),
    _need("time"),
    _need("offset_minutes"),
    _need("who", Text),
    _need("email", Text),
    _need("command", Text),
    _need("head", Text),
    _maybe("undoes_no"),
    Index("mh_operations_by_sequence", "sequence"),
)

REF_CHANGES = _clustered("mh_ref_changes", _key("operation_no"), _key("ref", Text), _maybe("old_no"), _maybe("new_no"))

DIRECTORIES = _clustered(
    "mh_directories",
    _key("commit_no"),
    _key("path", Text),
    _need("tree_no"),
    Index("mh_directories_by_tree", "tree_no"),
)

ENTRIES = _clustered(
    "mh_entries",
    _key("tree_no"),
    _key("name", Text),
    _need("mode", Text),
    _need("size"),
    _need("file_no"),
    _maybe("manifest_no"),
    Index("mh_entries_by_file", "file_no"),
    Index("mh_entries_by_manifest", "manifest_no", sqlite_where=text("manifest_no IS NOT NULL")),
)

MANIFESTS = Table(
    "mh_manifests",
    METADATA,
    _key("no"),
    _need("format", Text),
    _need("size"),
    _need("file_no"),
    _need("tensors"),
    _maybe("problem", Text),
    _need("parameters"),
    _need("dtypes", Text),
)

PIECES = _clustered("mh_pieces", _key("manifest_no"), _key("piece_no"))

MANIFEST_TENSORS = _clustered(
    "mh_manifest_tensors",
    _key("manifest_no"),
    _key("position"),
    _need("name", Text),
    _need("dtype", Text),
    _need("shape", Text),
    _need("elements"),
    _need("nbytes"),
    _need("is_view"),
    _need("tensor_no"),
    _need("layer_length"),
    Index("mh_manifest_tensors_by_name", "manifest_no", "name"),
    Index("mh_manifest_tensors_by_tensor", "tensor_no"),
)

TENSORS = Table(
    "mh_tensors",
    METADATA,
    _key("no"),
    _need("oid_no"),
    _need("dtype", Text),
    _need("elements"),
    _need("nbytes"),
    _maybe("mean", REAL),
    _maybe("std", REAL),
    _maybe("minimum", REAL),
    _maybe("maximum", REAL),
    _maybe("norm", REAL),
    _maybe("zero_share", REAL),
    _maybe("nans"),
    _maybe("infs"),
    _maybe("sketch", LargeBinary),
    _need("checksum"),
    Index("mh_tensors_by_oid", "oid_no", "dtype", unique=True),
    Index("mh_tensors_by_dtype", "dtype", "elements"),
)

STORAGE = Table(
    "mh_storage",
    METADATA,
    _key("no"),
    _need("kind", Text),
    _need("nbytes"),
    _need("stored_nbytes"),
    _maybe("base_no"),
    _need("depth"),
    _need("codecs", Text),
    Index("mh_storage_by_base", "base_no"),
)

DIFFERENCES = _clustered(
    "mh_differences",
    _key("before_no"),
    _key("after_no"),
    _maybe("relative", REAL),
    _maybe("cosine", REAL),
    _maybe("largest", REAL),
    _maybe("changed", REAL),
    _need("new_nans"),
    _need("new_infs"),
)

LINT = _clustered(
    "mh_lint",
    _key("commit_no"),
    _key("path", Text),
    _key("tensor", Text),
    _key("code", Text),
    _need("severity", Text),
    _need("message", Text),
)

DERIVATIONS = _clustered(
    "mh_derivations",
    _key("commit_no"),
    _key("path", Text),
    _key("relation", Text),
    _key("source_commit_no"),
    _key("source_path", Text),
    _key("source_name", Text),
    _need("is_declared"),
)

MODELS = _clustered(
    "mh_models",
    _key("commit_no"),
    _key("path", Text),
    _need("file_no"),
    _need("manifest_no"),
    _need("origin_no"),
    Index("mh_models_by_file", "file_no"),
)

RUNS = Table(
    "mh_runs",
    METADATA,
    _key("no"),
    _need("run_id", Text),
    _maybe("object_no"),
    _need("is_pending"),
    _need("is_replaced"),
    _need("name", Text),
    _need("status", Text),
    _need("author_name", Text),
    _need("author_email", Text),
    _need("started"),
    _maybe("ended"),
    _need("command", Text),
    _maybe("exit_code"),
    _need("points"),
    _maybe("git_commit", Text),
    _maybe("git_dirty"),
    _maybe("diff_no"),
    _maybe("head_no"),
    _maybe("tree_no"),
    _maybe("replays", Text),
    _need("origin", Text),
    _maybe("points_no"),
    _maybe("stdout_no"),
    _maybe("stderr_no"),
    Index("mh_runs_by_id", "run_id"),
    Index("mh_runs_by_object", "object_no"),
)

COMMIT_RUNS = _clustered(
    "mh_commit_runs", _key("commit_no"), _key("run_no"), Index("mh_commit_runs_by_run", "run_no", "commit_no")
)

RUN_PARAMS = _clustered(
    "mh_run_params",
    _key("run_no"),
    _key("name", Text),
    _maybe("value", Text),
    _maybe("number", REAL),
    Index("mh_run_params_by_name", "name"),
)

RUN_TAGS = _clustered("mh_run_tags", _key("run_no"), _key("name", Text), _need("value", Text))

SERIES = Table(
    "mh_series",
    METADATA,
    _key("no"),
    _need("run_no"),
    _need("name", Text),
    _need("points"),
    _need("step_column"),
    _need("time_column"),
    _need("value_column"),
    _need("first_step"),
    _need("last_step"),
    _maybe("last", REAL),
    _maybe("minimum", REAL),
    _maybe("minimum_step"),
    _maybe("maximum", REAL),
    _maybe("maximum_step"),
    _maybe("best", REAL),
    _maybe("best_step"),
    _need("goal", Text),
    _need("nans"),
    _maybe("data_no"),
    _maybe("data_path", Text),
    _maybe("code_no"),
    Index("mh_series_by_run", "run_no", "name", unique=True),
    Index("mh_series_by_name", "name", "best"),
)

NUMBERS = Table("mh_numbers", METADATA, _key("i"))

USAGES = _clustered(
    "mh_usages",
    _key("run_no"),
    _key("position"),
    _need("is_output"),
    _need("path", Text),
    _need("file_no"),
    _need("nbytes"),
    _need("is_kept"),
    _maybe("source_commit_no"),
    _maybe("source_path", Text),
    _maybe("step"),
    Index("mh_usages_by_file", "file_no"),
)

ENVIRONMENTS = _clustered(
    "mh_environments",
    _key("is_run"),
    _key("owner_no"),
    _maybe("python", Text),
    _maybe("system", Text),
    _maybe("host", Text),
    _maybe("gpu", Text),
    _maybe("packages_no"),
)

PACKAGES = _clustered("mh_packages", _key("packages_no"), _key("name", Text), _need("version", Text))

LINEAGE = Table(
    "mh_lineage",
    METADATA,
    _key("no"),
    _maybe("commit_no"),
    _maybe("run_no"),
    _need("path", Text),
    _need("file_no"),
    _need("relation", Text),
    _maybe("named_commit_no"),
    _maybe("parent_commit_no"),
    _maybe("parent_path", Text),
    _maybe("parent_file_no"),
    _maybe("parent_name", Text),
    _need("evidence", Text),
    Index("mh_lineage_by_commit", "commit_no"),
    Index("mh_lineage_by_run", "run_no"),
    Index("mh_lineage_by_file", "file_no"),
    Index("mh_lineage_by_parent", "parent_file_no"),
    Index("mh_lineage_by_parent_commit", "parent_commit_no"),
    Index("mh_lineage_by_name", "parent_name"),
)


def schema_sql() -> str:
    """Return the whole DDL: tables, their indexes, then the public views."""
    dialect = sqlite.dialect()
    statements = []
    for table in METADATA.tables.values():
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    statements.append(_FILL_NUMBERS)
    statements += [f"CREATE VIEW {view.name} AS\n{view.sql}" for view in VIEWS]
    lines = [line.rstrip() for statement in statements for line in f"{_tidy(statement)};".splitlines()]
    return "-- Written by `python -m modelhub.catalog.schema`.\n" + "\n".join(lines) + "\n"


def _tidy(statement: str) -> str:
    return statement.strip().replace("\t", "  ").replace("\n)\n WITHOUT", "\n) WITHOUT")


if __name__ == "__main__":
    sys.stdout.write(schema_sql())
