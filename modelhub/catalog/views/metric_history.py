"""The view `metric_history`: every point of every metric of every run."""

from __future__ import annotations

from modelhub.catalog.views.view import RUN_ID, Column, View

# The points are no rows of the catalog: three tables of numbers count them, and functions read them from the store.
METRIC_HISTORY = View(
    name="metric_history",
    description=(
        "Every point of every metric of every run, in the order in which it was logged. Name the run and the metric "
        "to stay fast: a million points take about a second."
    ),
    columns=(
        RUN_ID,
        Column("name", "text", "the metric's name"),
        Column("step", "integer", "the step it was logged for", "steps"),
        Column("time", "text", "when it was logged, in UTC", "ISO 8601"),
        Column("value", "real", "its value; infinities sort as such", null="NaN was logged"),
    ),
    sql="""
select r.run_id, s.name, mh_step(s.no, (h.i * 4096 + m.i) * 4096 + l.i) as step,
  strftime('%Y-%m-%dT%H:%M:%fZ', mh_time(s.no, (h.i * 4096 + m.i) * 4096 + l.i) / 1000.0, 'unixepoch') as time,
  mh_value(s.no, (h.i * 4096 + m.i) * 4096 + l.i) as value
from mh_series s
join mh_runs r on r.no = s.run_no
cross join mh_numbers h on h.i < (s.points + 16777215) / 16777216
cross join mh_numbers m on m.i < (s.points - h.i * 16777216 + 4095) / 4096
cross join mh_numbers l on l.i < s.points - (h.i * 4096 + m.i) * 4096
where not r.is_replaced
""".strip(),
    example=(
        "select step, value from metric_history\n"
        "where name = 'loss' and run_id = (select run_id from runs order by started desc limit 1) order by step"
    ),
)
