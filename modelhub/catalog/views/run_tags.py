"""The view `run_tags`: the tags of runs."""

from __future__ import annotations

from modelhub.catalog.views.view import RUN_ID, Column, View

RUN_TAGS = View(
    name="run_tags",
    description="What was noted about each run under a name of one's own.",
    columns=(RUN_ID, Column("name", "text", "the tag's name"), Column("value", "text", "what was noted")),
    sql="""
select r.run_id, t.name, t.value
from mh_run_tags t
join mh_runs r on r.no = t.run_no
where not r.is_replaced
""".strip(),
    example="select run_id from run_tags where name = 'purpose' and value = 'ablation'",
)
