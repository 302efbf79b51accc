"""The view `tensors`: every tensor of every model file of every commit."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

_NO_NUMBERS = "quantised or unknown dtype, or a view of another shape"

TENSORS = View(
    name="tensors",
    description=(
        "Every tensor of every model file of every commit, with statistics over its finite values and with how it is "
        "stored. Equal tensors are stored once: sum `stored_nbytes` over distinct `tensor_id`."
    ),
    columns=(
        COMMIT_ID,
        Column("path", "text", "the file, as in `files.path`"),
        Column("name", "text", "the tensor's name in the file"),
        Column("dtype", "text", "`float32`, `bfloat16`, `int64`, `q4_k`, ..."),
        Column("shape", "text", "as `[2,3]`; a scalar is `[]`"),
        Column("elements", "integer", "number of values", "values"),
        Column("nbytes", "integer", "size in the file", "bytes"),
        Column("tensor_id", "text", "BLAKE3 of its bytes: equal weights have equal ids, whatever the file or name"),
        Column("is_view", "integer", "1: a further name for bytes that another tensor of the file holds, else 0"),
        Column("mean", "real", "mean", null=f"no finite values; {_NO_NUMBERS}"),
        Column("std", "real", "population standard deviation", null="as `mean`"),
        Column("min", "real", "smallest value", null="as `mean`"),
        Column("max", "real", "largest value", null="as `mean`"),
        Column("norm", "real", "Euclidean norm", null="as `mean`"),
        Column("zero_share", "real", "share of values that are 0", "0 to 1", f"empty; {_NO_NUMBERS}"),
        Column("nans", "integer", "how many NaN", "values", _NO_NUMBERS),
        Column("infs", "integer", "how many infinities", "values", _NO_NUMBERS),
        Column(
            "stored_nbytes", "integer", "size in the store", "bytes", "not known, after `mh reindex` of a damaged store"
        ),
        Column("base_id", "text", "the tensor it is kept as a delta of", null="kept whole"),
        Column("depth", "integer", "how many deltas deep it lies; 0: whole", "deltas", "as `stored_nbytes`"),
        Column("codecs", "text", "codecs of its blocks, as `byte planes,grouped delta`", null="as `stored_nbytes`"),
    ),
    sql="""
select c.oid as commit_id,
  case d.path when '' then e.name else d.path || '/' || e.name end as path,
  t.name, t.dtype, t.shape, t.elements, t.nbytes,
  o.oid as tensor_id, t.is_view, s.mean, s.std, s.minimum as min, s.maximum as max, s.norm, s.zero_share,
  s.nans, s.infs, k.stored_nbytes, b.oid as base_id, k.depth, k.codecs
from mh_directories d
join mh_oids c on c.no = d.commit_no
join mh_entries e on e.tree_no = d.tree_no
join mh_manifest_tensors t on t.manifest_no = e.manifest_no
join mh_tensors w on w.no = t.tensor_no
join mh_oids o on o.no = w.oid_no
left join mh_tensors s on s.no = t.tensor_no and s.dtype = t.dtype and s.elements = t.elements
left join mh_storage k on k.no = w.oid_no
left join mh_oids b on b.no = k.base_no
""".strip(),
    example=(
        "select t.path, t.name, t.dtype, t.shape, t.norm, t.zero_share\n"
        "from tensors t join refs r on r.commit_id = t.commit_id\n"
        "where r.name = 'HEAD' order by t.nbytes desc limit 20"
    ),
)
