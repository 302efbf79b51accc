"""The view `descendants`: every commit made from a commit, with the distance."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

DESCENDANTS = View(
    name="descendants",
    description="Every commit that descends from each commit. Always name the commit: `where commit_id = ...`.",
    columns=(
        COMMIT_ID,
        Column("descendant_id", "text", "the descendant, as in `commits.id`; a commit is its own, at distance 0"),
        Column("distance", "integer", "shortest way to it", "commits"),
    ),
    sql="""
select o.oid as commit_id, a.oid as descendant_id, j.value as distance
from mh_commits c
join mh_oids o on o.no = c.no
join json_each((select '{' || group_concat('"' || no || '":' || distance) || '}' from (
    select no, min(distance) as distance from (
      with recursive mh_walk(no, distance) as (
        select c.no, 0
        union
        select p.commit_no, w.distance + 1 from mh_walk w join mh_parents p on p.parent_no = w.no
      )
      select no, distance from mh_walk
    ) group by no
  ))) j
join mh_oids a on a.no = cast(j.key as integer)
""".strip(),
    example=(
        "select r.name from refs r join descendants d on d.descendant_id = r.commit_id\n"
        "where d.commit_id = (select commit_id from refs where name = 'HEAD')"
    ),
)
