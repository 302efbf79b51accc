"""The view `ref_history`: which ref each operation moved, from where to where."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

REF_HISTORY = View(
    name="ref_history",
    description="What each operation did to each ref: who moved `prod`, when, and what it was before.",
    columns=(
        Column("operation_id", "text", "the operation, as in `operations.id`"),
        Column("sequence", "integer", "the operation's number in the chain"),
        Column("time", "text", "when, in UTC", "ISO 8601"),
        Column("who", "text", "name of who did it"),
        Column("command", "text", "the command that made the change"),
        Column("ref", "text", "the ref's full name: `refs/heads/main`, `refs/tags/v1`"),
        Column("old_commit_id", "text", "the commit it named before", null="the ref was made"),
        Column("new_commit_id", "text", "the commit it named afterwards", null="the ref was deleted"),
    ),
    sql="""
select o.oid as operation_id, n.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', n.time / 1000.0, 'unixepoch') as time,
  n.who, n.command, r.ref,
  b.oid as old_commit_id, a.oid as new_commit_id
from mh_ref_changes r
join mh_operations n on n.no = r.operation_no
join mh_oids o on o.no = r.operation_no
left join mh_oids b on b.no = r.old_no
left join mh_oids a on a.no = r.new_no
""".strip(),
    example="select time, who, command, new_commit_id from ref_history where ref = 'refs/heads/main' order by sequence",
)
