"""The view `run_params`: the params of runs."""

from __future__ import annotations

from modelhub.catalog.views.view import RUN_ID, Column, View

RUN_PARAMS = View(
    name="run_params",
    description="The params (hyperparameters, settings) of each run.",
    columns=(
        RUN_ID,
        Column("name", "text", "the param's name"),
        Column("value", "text", "its value as text: `0.001`, `adam`, `true`", null="recorded without a value"),
        Column("number", "real", "its value as a number", null="not a number"),
    ),
    sql="""
select r.run_id, p.name, p.value, p.number
from mh_run_params p
join mh_runs r on r.no = p.run_no
where not r.is_replaced
""".strip(),
    example=(
        "select p.value as lr, min(m.best) as best_loss\n"
        "from run_params p join run_metrics m on m.run_id = p.run_id\n"
        "where p.name = 'lr' and m.name = 'loss' group by p.value order by best_loss"
    ),
)
