"""The view `refs`: branches, tags and HEAD."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

REFS = View(
    name="refs",
    description="The branches and tags there are now, and HEAD (absent before the first commit).",
    columns=(
        Column("name", "text", "short name: `main`, `v1`, `HEAD`"),
        Column("kind", "text", "`branch`, `tag` or `head`"),
        Column("commit_id", "text", "the commit it names, as in `commits.id`"),
        Column("is_head", "integer", "1 for HEAD and for the branch it is on, else 0"),
    ),
    sql="""
select r.name, r.kind, o.oid as commit_id, r.is_head
from mh_refs r
join mh_oids o on o.no = r.commit_no
""".strip(),
    example="select r.name, c.time, c.summary from refs r join commits c on c.id = r.commit_id where r.kind = 'tag'",
)
