"""The view `runs`: how versions were made."""

from __future__ import annotations

from modelhub.catalog.views.view import RUN_ID, Column, View

RUNS = View(
    name="runs",
    description=(
        "Every training run: those that versions took in, those going on, and those that ended and wait for the next "
        "version. A run leaves with the last version that holds it."
    ),
    columns=(
        RUN_ID,
        Column("name", "text", "the name it was given; empty if none was"),
        Column("status", "text", "`running`, `finished`, `failed` or `interrupted`"),
        Column("author", "text", "name of who started it"),
        Column("email", "text", "their e-mail address; empty if none was given"),
        Column("started", "text", "when it began, in UTC", "ISO 8601"),
        Column("ended", "text", "when it ended, in UTC", "ISO 8601", "it goes on, or nobody saw it end"),
        Column("duration_s", "real", "from its beginning to its end", "seconds", "as `ended`"),
        Column("command", "text", "the command line; empty if it was started from within Python"),
        Column("exit_code", "integer", "what the command returned", null="not started as a command, or not ended"),
        Column("points", "integer", "how many points its metrics have together", "points"),
        Column("git_commit", "text", "the git commit the code was at", null="the folder was no git work tree"),
        Column("git_dirty", "integer", "1: the code had changes that git did not", null="no git work tree"),
        Column("diff_id", "text", "the object with those changes", null="there were none, or they were not kept"),
        Column("head_id", "text", "the commit that HEAD was at", null="before the first commit, or not known"),
        Column("tree_id", "text", "id of the folder's tree when it began, as in `commits.tree`", null="not recorded"),
        Column("commit_id", "text", "the first commit that took it in", null="it waits for one"),
        Column("host", "text", "the computer's name", null="not recorded"),
        Column("python", "text", "version of Python", null="not recorded"),
        Column("replays", "text", "the run that this one was a replay of", null="it was none"),
        Column("origin", "text", "where it was imported from; empty: recorded here"),
        Column("object_id", "text", "id of the run's object in the store", null="no version has taken it in yet"),
        Column("stdout_id", "text", "the object with what it printed", null="nothing was captured, or as `object_id`"),
        Column("stderr_id", "text", "the object with its errors", null="nothing was captured, or as `object_id`"),
    ),
    sql="""
select r.run_id, r.name, r.status, r.author_name as author, r.author_email as email,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.started / 1000.0, 'unixepoch') as started,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.ended / 1000.0, 'unixepoch') as ended,
  (r.ended - r.started) / 1000.0 as duration_s,
  r.command, r.exit_code, r.points, r.git_commit, r.git_dirty, d.oid as diff_id, h.oid as head_id, t.oid as tree_id,
  (select o.oid from mh_commit_runs k join mh_commits c on c.no = k.commit_no join mh_oids o on o.no = c.no
    where k.run_no = r.no order by c.generation, c.time, o.oid limit 1) as commit_id,
  e.host, e.python, r.replays, r.origin, b.oid as object_id, p.oid as stdout_id, q.oid as stderr_id
from mh_runs r
left join mh_oids d on d.no = r.diff_no
left join mh_oids h on h.no = r.head_no
left join mh_oids t on t.no = r.tree_no
left join mh_environments e on e.is_run = 1 and e.owner_no = r.no
left join mh_oids b on b.no = r.object_no
left join mh_oids p on p.no = r.stdout_no
left join mh_oids q on q.no = r.stderr_no
where not r.is_replaced
""".strip(),
    example="select run_id, name, status, started, duration_s from runs order by started desc limit 20",
)
