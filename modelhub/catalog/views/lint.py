"""The view `lint`: what the weight lint found in each commit."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

LINT = View(
    name="lint",
    description="What the weight lint found when the commit was made.",
    columns=(
        COMMIT_ID,
        Column("path", "text", "the file"),
        Column("tensor", "text", "the tensor's name; empty: the file as a whole"),
        Column("code", "text", "`nan`, `inf`, `all-zero`, `constant`, `dtype-drift`, `truncated-shard`, ..."),
        Column("severity", "text", "`warning`: likely a fault; `note`: often meant so"),
        Column("message", "text", "the finding in words"),
    ),
    sql="""
select o.oid as commit_id, l.path, l.tensor, l.code, l.severity, l.message
from mh_lint l
join mh_oids o on o.no = l.commit_no
""".strip(),
    example="select commit_id, path, message from lint where severity = 'warning'",
)
