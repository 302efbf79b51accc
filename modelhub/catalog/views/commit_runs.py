"""The view `commit_runs`: which runs each commit took in."""

from __future__ import annotations

from modelhub.catalog.views.view import COMMIT_ID, RUN_ID, View

COMMIT_RUNS = View(
    name="commit_runs",
    description="The runs that each commit took in.",
    columns=(COMMIT_ID, RUN_ID),
    sql="""
select o.oid as commit_id, r.run_id
from mh_commit_runs k
join mh_oids o on o.no = k.commit_no
join mh_runs r on r.no = k.run_no
where not r.is_replaced
""".strip(),
    example=(
        "select c.summary, r.name, r.command\n"
        "from commit_runs k join commits c on c.id = k.commit_id join runs r on r.run_id = k.run_id\n"
        "order by c.time desc limit 10"
    ),
)
