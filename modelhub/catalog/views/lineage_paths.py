"""The view `lineage_paths`: everything that each model file came from, with the distance."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

# `mh_distance` looks a pair up in a walk that it does once for whichever side stays the same.
LINEAGE_PATHS = View(
    name="lineage_paths",
    description=(
        "Everything that each model file came from, however far. Always name one side: a `commit_id`, or an "
        "`ancestor_file_id`, `ancestor_commit_id` or `ancestor_name`. An ancestor stands with the commit that brought "
        "it in (`models.since_commit_id`)."
    ),
    columns=(
        COMMIT_ID,
        Column("path", "text", "the model file, in every commit that has it"),
        Column("ancestor_commit_id", "text", "the commit that brought the ancestor in", null="it is in no commit"),
        Column("ancestor_path", "text", "the ancestor's path", null="as `lineage.parent_path`"),
        Column("ancestor_file_id", "text", "the ancestor's content", null="as `lineage.parent_file_id`"),
        Column("ancestor_name", "text", "name of a source outside", null="not outside"),
        Column("distance", "integer", "shortest way to it", "edges"),
    ),
    sql="""
select o.oid as commit_id, m.path, a.oid as ancestor_commit_id, e.parent_path as ancestor_path,
  g.oid as ancestor_file_id, e.parent_name as ancestor_name, mh_distance(m.file_no, e.no) as distance
from mh_models m
join mh_oids o on o.no = m.commit_no
join mh_lineage e
left join mh_oids a on a.no = e.parent_commit_no
left join mh_oids g on g.no = e.parent_file_no
where mh_distance(m.file_no, e.no) is not null
""".strip(),
    example=(
        "select path, distance, ancestor_commit_id, ancestor_path, ancestor_name from lineage_paths\n"
        "where commit_id = (select commit_id from refs where name = 'HEAD') order by path, distance"
    ),
)
