"""The view `tensor_changes`: how far each tensor moved from a commit's first parent."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

_NOT_MEASURED = "not measured: the shapes differ, or the dtype is quantised or unknown"

TENSOR_CHANGES = View(
    name="tensor_changes",
    description="Every tensor whose bytes differ from those of the same file and name in the commit's first parent.",
    columns=(
        COMMIT_ID,
        Column("parent_id", "text", "its first parent"),
        Column("path", "text", "the file"),
        Column("name", "text", "the tensor's name in the file"),
        Column("dtype", "text", "its dtype in this commit"),
        Column("elements", "integer", "number of values", "values"),
        Column(
            "relative", "real", "norm of the difference / norm before", null=f"{_NOT_MEASURED}, or all was zero before"
        ),
        Column(
            "cosine", "real", "cosine of the angle between the two", "-1 to 1", f"{_NOT_MEASURED}, or one is all zero"
        ),
        Column("largest", "real", "largest absolute change", null=_NOT_MEASURED),
        Column("changed", "real", "share of values that differ", "0 to 1", _NOT_MEASURED),
        Column("new_nans", "integer", "values that became NaN", "values", _NOT_MEASURED),
        Column("new_infs", "integer", "values that became infinite", "values", _NOT_MEASURED),
    ),
    sql="""
select c.oid as commit_id, q.oid as parent_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  t.name, t.dtype, t.elements,
  x.relative, x.cosine, x.largest, x.changed, x.new_nans, x.new_infs
from mh_parents p
join mh_oids c on c.no = p.commit_no
join mh_oids q on q.no = p.parent_no
join mh_directories d on d.commit_no = p.commit_no
join mh_directories g on g.commit_no = p.parent_no and g.path = d.path and g.tree_no <> d.tree_no
join mh_entries e on e.tree_no = d.tree_no
join mh_entries f on f.tree_no = g.tree_no and f.name = e.name and f.manifest_no <> e.manifest_no
join mh_manifest_tensors t on t.manifest_no = e.manifest_no
cross join mh_manifest_tensors u indexed by mh_manifest_tensors_by_name
  on u.manifest_no = f.manifest_no and u.name = t.name and u.tensor_no <> t.tensor_no
left join mh_differences x on x.before_no = u.tensor_no and x.after_no = t.tensor_no
where p.position = 0
""".strip(),
    example=(
        "select h.path, h.name, h.relative, h.cosine\n"
        "from tensor_changes h join refs r on r.commit_id = h.commit_id\n"
        "where r.name = 'HEAD' order by h.relative desc limit 10"
    ),
)
