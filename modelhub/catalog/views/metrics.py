"""The view `metrics`: the measurements recorded with each commit."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

METRICS = View(
    name="metrics",
    description="The metrics (measurements) recorded with each commit.",
    columns=(
        COMMIT_ID,
        Column("name", "text", "the metric's name"),
        Column("value", "real", "its value; infinities sort as such", null="NaN was recorded"),
        Column("data_id", "text", "the data it was measured on: a file's or a folder's id", null="not declared"),
        Column("data_path", "text", "where that data lay", null="not declared"),
        Column("code_id", "text", "the code it was measured by", null="not declared"),
    ),
    sql="""
select o.oid as commit_id, m.name, m.value, d.oid as data_id, m.data_path, k.oid as code_id
from mh_metrics m
join mh_oids o on o.no = m.commit_no
left join mh_oids d on d.no = m.data_no
left join mh_oids k on k.no = m.code_no
""".strip(),
    example=(
        "select substr(c.id, 1, 10) as id, m.value as accuracy, c.summary\n"
        "from metrics m join commits c on c.id = m.commit_id\n"
        "where m.name = 'accuracy' order by m.value desc limit 5"
    ),
)
