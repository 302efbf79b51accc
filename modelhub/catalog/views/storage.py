"""The view `storage`: how each object is stored."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

STORAGE = View(
    name="storage",
    description=(
        "Every object that versions and the runs in them are made of, and how it is stored. Equal content is one "
        "object, whatever its names."
    ),
    columns=(
        Column("object_id", "text", "the object: a tensor's, file's, commit's, run's, ... id"),
        Column("kind", "text", "`blob` (a tensor, a file, a piece of one), `manifest`, `tree`, `commit` or `run`"),
        Column("nbytes", "integer", "size of its content", "bytes"),
        Column("stored_nbytes", "integer", "size in the store", "bytes"),
        Column("base_id", "text", "the object it is kept as a delta of", null="kept whole"),
        Column("depth", "integer", "how many deltas deep it lies; 0: whole", "deltas"),
        Column("codecs", "text", "codecs of its blocks, as `byte planes,grouped delta`"),
    ),
    sql="""
select o.oid as object_id, k.kind, k.nbytes, k.stored_nbytes, b.oid as base_id, k.depth, k.codecs
from mh_storage k
join mh_oids o on o.no = k.no
left join mh_oids b on b.no = k.base_no
""".strip(),
    example=(
        "select kind, count(*) as objects, sum(nbytes) as nbytes, sum(stored_nbytes) as stored_nbytes\n"
        "from storage group by kind"
    ),
)
