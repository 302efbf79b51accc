"""The view `layers`: the tensors of a model file, added up by layer."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

LAYERS = View(
    name="layers",
    description=(
        "The tensors of model files added up by layer: what their names begin with, up to the last dot. Name a commit "
        "to stay fast."
    ),
    columns=(
        COMMIT_ID,
        Column("path", "text", "the model file"),
        Column("layer", "text", "`encoder.0.attn` for `encoder.0.attn.weight`; the name itself where it has no dot"),
        Column("tensors", "integer", "how many tensors it has", "tensors"),
        Column("parameters", "integer", "how many numbers they hold", "values"),
        Column("nbytes", "integer", "their size in the file", "bytes"),
        Column("norm", "real", "Euclidean norm of all of them", null="no tensor of it has a norm"),
        Column("nans", "integer", "how many NaN", "values", "as `norm`"),
    ),
    sql="""
select o.oid as commit_id, m.path, substr(t.name, 1, t.layer_length) as layer,
  count(*) as tensors, sum(t.elements) as parameters, sum(t.nbytes) as nbytes,
  sqrt(sum(w.norm * w.norm)) as norm, sum(w.nans) as nans
from mh_models m
join mh_oids o on o.no = m.commit_no
join mh_manifest_tensors t on t.manifest_no = m.manifest_no and not t.is_view
join mh_tensors w on w.no = t.tensor_no
group by o.oid, m.path, substr(t.name, 1, t.layer_length)
""".strip(),
    example=(
        "select l.layer, l.parameters, l.norm\n"
        "from layers l join refs r on r.commit_id = l.commit_id\n"
        "where r.name = 'HEAD' order by l.parameters desc limit 10"
    ),
)
