"""The view `parents`: the edges of the history."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

PARENTS = View(
    name="parents",
    description="Each commit's parents. A first commit has no row, a merge more than one.",
    columns=(
        COMMIT_ID,
        Column("position", "integer", "0 for the first parent (the branch merged into), then 1, ..."),
        Column("parent_id", "text", "the parent, as in `commits.id`"),
    ),
    sql="""
select c.oid as commit_id, p.position, q.oid as parent_id
from mh_parents p
join mh_oids c on c.no = p.commit_no
join mh_oids q on q.no = p.parent_no
""".strip(),
    example="select commit_id, count(*) as parents from parents group by commit_id having count(*) > 1",
)
