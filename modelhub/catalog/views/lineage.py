"""The view `lineage`: what each model file was made from, edge by edge."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

LINEAGE = View(
    name="lineage",
    description=(
        "What model files were made from: one row for each edge from a file to one that it came from. A derivation "
        "from a commit as a whole is one from its file of the same path, or else from all its model files."
    ),
    columns=(
        Column("commit_id", "text", "the commit that brought the file in", null="a run that waits for its version"),
        Column("path", "text", "the model file"),
        Column("file_id", "text", "its content, as in `files.file_id`"),
        Column("relation", "text", "`fine-tune`, `quantize`, ..., `derived` or `trained-on` by a run, `version`"),
        Column("parent_commit_id", "text", "the commit that brought the parent in", null="the parent is in no commit"),
        Column("parent_path", "text", "the parent's path", null="a commit as a whole, or a source outside"),
        Column("parent_file_id", "text", "the parent's content; a folder's tree", null="outside, or it is gone"),
        Column("parent_name", "text", "name of a source outside, as `org/model`", null="not outside"),
        Column("run_id", "text", "the run that made the file from it", null="no run is known"),
        Column(
            "evidence",
            "text",
            "`declared`; `run`: a run read it; `metadata` in the file; `weights`: they are near; `history`: same path",
        ),
    ),
    sql="""
select c.oid as commit_id, e.path, f.oid as file_id, e.relation,
  p.oid as parent_commit_id, e.parent_path, g.oid as parent_file_id, e.parent_name, r.run_id, e.evidence
from mh_lineage e
join mh_oids f on f.no = e.file_no
left join mh_oids c on c.no = e.commit_no
left join mh_oids p on p.no = e.parent_commit_no
left join mh_oids g on g.no = e.parent_file_no
left join mh_runs r on r.no = e.run_no
where e.run_no is null or not r.is_replaced
""".strip(),
    example="select path, relation, parent_commit_id, parent_path from lineage where evidence <> 'history'",
)
