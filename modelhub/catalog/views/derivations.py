"""The view `derivations`: what each file was made from."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

DERIVATIONS = View(
    name="derivations",
    description="What files came from beyond their own history: a fine-tune of another model, a conversion, a merge.",
    columns=(
        COMMIT_ID,
        Column("path", "text", "the file; empty: the commit as a whole"),
        Column("relation", "text", "`fine-tune`, `warm-start`, `quantize`, `convert`, ..."),
        Column("source_commit_id", "text", "the commit that holds the source", null="the source is outside"),
        Column("source_path", "text", "the source file there; empty: the commit as a whole"),
        Column("source_name", "text", "name of a source outside, as `org/model`; empty if it is none"),
        Column("is_declared", "integer", "1: somebody said so; 0: found from the weights or the file's metadata"),
    ),
    sql="""
select o.oid as commit_id, d.path, d.relation, nullif(s.oid, '') as source_commit_id, d.source_path,
  d.source_name, d.is_declared
from mh_derivations d
join mh_oids o on o.no = d.commit_no
join mh_oids s on s.no = d.source_commit_no
""".strip(),
    example="select path, relation, source_commit_id, source_path from derivations where relation = 'fine-tune'",
)
