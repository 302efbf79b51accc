"""The view `params`: the hyperparameters recorded with each commit."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, Column, View

PARAMS = View(
    name="params",
    description="The params (hyperparameters, settings) recorded with each commit.",
    columns=(
        COMMIT_ID,
        Column("name", "text", "the param's name"),
        Column("value", "text", "its value as text: `0.001`, `adam`, `true`", null="recorded without a value"),
        Column("number", "real", "its value as a number", null="not a number"),
    ),
    sql="""
select o.oid as commit_id, p.name, p.value, p.number
from mh_params p
join mh_oids o on o.no = p.commit_no
""".strip(),
    example="select value, count(*) as commits from params where name = 'optimizer' group by value",
)
