"""The view `operations`: every change of refs, newest sequence last."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

OPERATIONS = View(
    name="operations",
    description="Every change of branches, tags or HEAD: what `mh op log` shows and `mh undo` takes back.",
    columns=(
        Column("id", "text", "the operation's full id"),
        Column("sequence", "integer", "its number in the chain, rising by one"),
        Column("time", "text", "when, in UTC", "ISO 8601"),
        Column("who", "text", "name of who did it"),
        Column("email", "text", "their e-mail address; empty if none was given"),
        Column("command", "text", "the command that made the change"),
        Column("head", "text", "where HEAD was afterwards: `refs/heads/main`, or a commit's id when detached"),
        Column("previous_id", "text", "the operation before", null="the first one"),
        Column("undoes_id", "text", "the operation whose change this one took back", null="it undid nothing"),
    ),
    sql="""
select o.oid as id, n.sequence,
  strftime('%Y-%m-%dT%H:%M:%fZ', n.time / 1000.0, 'unixepoch') as time,
  n.who, n.email, n.command, n.head,
  p.oid as previous_id, u.oid as undoes_id
from mh_operations n
join mh_oids o on o.no = n.no
left join mh_oids p on p.no = n.previous_no
left join mh_oids u on u.no = n.undoes_no
""".strip(),
    example="select sequence, time, who, command from operations order by sequence desc limit 10",
)
