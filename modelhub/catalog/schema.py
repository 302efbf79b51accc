"""Declare the catalog's tables, once, in SQLAlchemy Core; `python -m modelhub.catalog.schema` prints the DDL.

Importing this costs 200 ms, so at run time the printed copy, schema.sql, is executed; a test keeps the two equal.
Every table and column here may change between versions: people query the views (modelhub/catalog/views).

Ids are interned: `mh_oids` gives each object id a small number, and a column ending in `_no` holds such a number
(`tensor_no` the number of a row in `mh_tensors`, since equal bytes are another tensor under another dtype).
"""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import REAL, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from modelhub.catalog.views.registry import VIEWS

METADATA = MetaData()


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

METRICS = _clustered("mh_metrics", _key("commit_no"), _key("name", Text), _maybe("value", REAL))

REFS = _clustered("mh_refs", _key("kind", Text), _key("name", Text), _need("commit_no"), _need("is_head"))

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
    Index("mh_entries_by_manifest", "manifest_no"),
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
)

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
    Index("mh_tensors_by_oid", "oid_no", "dtype", unique=True),
    Index("mh_tensors_by_dtype", "dtype", "elements"),
)

STORAGE = Table(
    "mh_storage",
    METADATA,
    _key("no"),
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
    _need("is_declared"),
)


def schema_sql() -> str:
    """Return the whole DDL: tables, their indexes, then the public views."""
    dialect = sqlite.dialect()
    statements = []
    for table in METADATA.tables.values():
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    statements += [f"CREATE VIEW {view.name} AS\n{view.sql}" for view in VIEWS]
    lines = [line.rstrip() for statement in statements for line in f"{_tidy(statement)};".splitlines()]
    return "-- Written by `python -m modelhub.catalog.schema`.\n" + "\n".join(lines) + "\n"


def _tidy(statement: str) -> str:
    return statement.strip().replace("\t", "  ").replace("\n)\n WITHOUT", "\n) WITHOUT")


if __name__ == "__main__":
    sys.stdout.write(schema_sql())
