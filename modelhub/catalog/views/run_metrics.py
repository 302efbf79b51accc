"""The view `run_metrics`: each metric of each run in one row."""

from __future__ import annotations

from modelhub.catalog.views.view import RUN_ID, Column, View

_ALL_NAN = "every value was NaN"

RUN_METRICS = View(
    name="run_metrics",
    description=(
        "Each metric of each run in one row: how often it was logged, its last and its best value. The single points "
        "are in `metric_history`. NaN never counts as the smallest, largest or best."
    ),
    columns=(
        RUN_ID,
        Column("name", "text", "the metric's name"),
        Column("points", "integer", "how often it was logged", "points"),
        Column("first_step", "integer", "the lowest step", "steps"),
        Column("last_step", "integer", "the highest step", "steps"),
        Column("last", "real", "its last value", null="that was NaN"),
        Column("min", "real", "its smallest value", null=_ALL_NAN),
        Column("min_step", "integer", "the first step with that value", "steps", _ALL_NAN),
        Column("max", "real", "its largest value", null=_ALL_NAN),
        Column("max_step", "integer", "the first step with that value", "steps", _ALL_NAN),
        Column("best", "real", "`min` or `max`, as `goal` says", null=_ALL_NAN),
        Column("best_step", "integer", "the first step with that value", "steps", _ALL_NAN),
        Column("goal", "text", "`min` or `max`: as the run says, else guessed from the name (`loss`, `error`: `min`)"),
        Column("nans", "integer", "how many values were NaN", "points"),
        Column("data_id", "text", "the data it was measured on: a file's or a folder's id", null="not declared"),
        Column("data_path", "text", "where that data lay", null="not declared"),
        Column("code_id", "text", "the code it was measured by", null="not declared"),
    ),
    sql="""
select r.run_id, s.name, s.points, s.first_step, s.last_step, s.last,
  s.minimum as min, s.minimum_step as min_step, s.maximum as max, s.maximum_step as max_step,
  s.best, s.best_step, s.goal, s.nans, d.oid as data_id, s.data_path, k.oid as code_id
from mh_series s
join mh_runs r on r.no = s.run_no
left join mh_oids d on d.no = s.data_no
left join mh_oids k on k.no = s.code_no
where not r.is_replaced
""".strip(),
    example=(
        "select r.name, m.best, m.best_step, m.last\n"
        "from run_metrics m join runs r on r.run_id = m.run_id\n"
        "where m.name = 'val_loss' order by m.best limit 10"
    ),
)
