"""The view `files`: every file of every commit."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

FILES = View(
    name="files",
    description="Every file of every commit. Name a commit (`commit_id = ...`) to stay fast in a long history.",
    columns=(
        COMMIT_ID,
        Column("path", "text", "path in the folder, with `/`"),
        Column("mode", "text", "`file`, `exec` (executable) or `link`"),
        Column("size", "integer", "size of the file", "bytes"),
        Column("file_id", "text", "BLAKE3 of the file: equal files have equal ids"),
        Column("format", "text", "model format: `safetensors`, `torch`, ...", null="an ordinary file"),
        Column("tensors", "integer", "how many tensors were found in it", null="an ordinary file"),
        Column("problem", "text", "why its tensors could not be located", null="nothing was wrong"),
    ),
    sql="""
select o.oid as commit_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  e.mode, e.size, f.oid as file_id, m.format, m.tensors, m.problem
from mh_directories d
join mh_oids o on o.no = d.commit_no
join mh_entries e on e.tree_no = d.tree_no
join mh_oids f on f.no = e.file_no
left join mh_manifests m on m.no = e.manifest_no
""".strip(),
    example=(
        "select f.path, f.size, f.format\nfrom files f join refs r on r.commit_id = f.commit_id where r.name = 'HEAD'"
    ),
)
