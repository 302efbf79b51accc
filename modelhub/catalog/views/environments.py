"""The view `environments`: the machines that versions and runs were made on."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

ENVIRONMENTS = View(
    name="environments",
    description="What each commit and each run was made with: one row for each of either.",
    columns=(
        Column("commit_id", "text", "the commit, as in `commits.id`", null="the row of a run"),
        Column("run_id", "text", "the run, as in `runs.run_id`", null="the row of a commit"),
        Column("python", "text", "version of Python", null="not recorded"),
        Column("system", "text", "operating system and processor", null="not recorded"),
        Column("host", "text", "the computer's name", null="not recorded"),
        Column("gpu", "text", "the GPUs, as `2 x NVIDIA L4`", null="none was found"),
        Column("packages_id", "text", "the list of installed packages, as in `packages`", null="not recorded"),
    ),
    sql="""
select c.oid as commit_id, r.run_id, e.python, e.system, e.host, e.gpu, p.oid as packages_id
from mh_environments e
left join mh_oids c on c.no = e.owner_no and e.is_run = 0
left join mh_runs r on r.no = e.owner_no and e.is_run = 1
left join mh_oids p on p.no = e.packages_no
where e.is_run = 0 or not r.is_replaced
""".strip(),
    example="select host, gpu, count(run_id) as runs from environments group by host, gpu",
)
