"""The view `ancestry`: every ancestor of a commit, with the distance."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

# A view cannot pass a condition down into a recursive query; a table-valued function may depend on the row to its left,
# so the walk runs once for each commit asked for and comes back as {"number": distance}.
ANCESTRY = View(
    name="ancestry",
    description=(
        "Every ancestor of each commit. Always name the commit: `where commit_id = ...`; for the other direction ask "
        "`descendants`."
    ),
    columns=(
        COMMIT_ID,
        Column("ancestor_id", "text", "the ancestor, as in `commits.id`; a commit is its own ancestor, at distance 0"),
        Column("distance", "integer", "shortest way to it", "commits"),
    ),
    sql="""
select o.oid as commit_id, a.oid as ancestor_id, j.value as distance
from mh_commits c
join mh_oids o on o.no = c.no
join json_each((select '{' || group_concat('"' || no || '":' || distance) || '}' from (
    select no, min(distance) as distance from (
      with recursive mh_walk(no, distance) as (
        select c.no, 0
        union
        select p.parent_no, w.distance + 1 from mh_walk w join mh_parents p on p.commit_no = w.no
      )
      select no, distance from mh_walk
    ) group by no
  ))) j
join mh_oids a on a.no = cast(j.key as integer)
""".strip(),
    example=(
        "select a.distance, c.summary\n"
        "from ancestry a join commits c on c.id = a.ancestor_id\n"
        "where a.commit_id = (select commit_id from refs where name = 'HEAD') order by a.distance"
    ),
)
