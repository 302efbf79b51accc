"""The view `models`: one row for each model file of each commit."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

MODELS = View(
    name="models",
    description="Every model file (a file with tensors) of every commit: how large, of what, and how good.",
    columns=(
        COMMIT_ID,
        Column("path", "text", "the file"),
        Column("file_id", "text", "its content, as in `files.file_id`"),
        Column("since_commit_id", "text", "the commit that brought this content to this path"),
        Column("format", "text", "`safetensors`, `torch`, `gguf`, ..."),
        Column("nbytes", "integer", "size of the file", "bytes"),
        Column("tensors", "integer", "how many tensors it has", "tensors"),
        Column("parameters", "integer", "how many numbers they hold", "values"),
        Column("dtypes", "text", "share of each dtype, the largest first: `float32:0.98,int64:0.02`"),
        Column("metrics", "text", "the commit's metrics as JSON: `metrics ->> 'accuracy'`; `{}` if it has none"),
    ),
    sql="""
select o.oid as commit_id, m.path, f.oid as file_id, s.oid as since_commit_id,
  n.format, n.size as nbytes, n.tensors, n.parameters, n.dtypes, c.metrics
from mh_models m
join mh_commits c on c.no = m.commit_no
join mh_oids o on o.no = m.commit_no
join mh_oids f on f.no = m.file_no
join mh_oids s on s.no = m.origin_no
join mh_manifests n on n.no = m.manifest_no
""".strip(),
    example=(
        "select m.path, m.parameters, m.dtypes, m.nbytes\n"
        "from models m join refs r on r.commit_id = m.commit_id where r.name = 'HEAD'"
    ),
)
