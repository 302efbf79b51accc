"""The view `commits`: one row for every commit."""

from __future__ import annotations

from modelhub.catalog.views.view import Column, View

COMMITS = View(
    name="commits",
    description="Every commit that HEAD, a branch or a tag holds now. What was undone or deleted is in `ref_history`.",
    columns=(
        Column("id", "text", "the commit's full id, 64 hex digits; `id glob 'abcd*'` finds a short one quickly"),
        Column("tree", "text", "id of its tree: two commits of one tree hold exactly the same files"),
        Column("author", "text", "name of who made it"),
        Column("email", "text", "their e-mail address; empty if none was given"),
        Column("time", "text", "when, in UTC: `2026-11-23T09:30:00.000Z`; sorts and compares as text", "ISO 8601"),
        Column("message", "text", "the whole message"),
        Column("summary", "text", "its first line"),
        Column("generation", "integer", "longest way down to a first commit, which has 1", "commits"),
        Column("git_commit", "text", "the git commit the code was at", null="the folder was no git work tree"),
        Column("git_branch", "text", "the git branch", null="no git work tree, or a detached HEAD"),
        Column("git_dirty", "integer", "1: the code had changes that git did not", null="no git work tree"),
        Column("forgotten_at", "text", "when its weights were given up", "ISO 8601", null="it is kept"),
        Column("forgotten_by", "text", "name of who gave them up", null="it is kept"),
    ),
    sql="""
select o.oid as id, t.oid as tree, c.author_name as author, c.author_email as email,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch') as time,
  c.message, c.summary, c.generation, c.git_commit, c.git_branch, c.git_dirty,
  strftime('%Y-%m-%dT%H:%M:%fZ', f.time / 1000.0, 'unixepoch') as forgotten_at, f.who as forgotten_by
from mh_commits c
join mh_oids o on o.no = c.no
join mh_oids t on t.no = c.tree_no
left join mh_forgotten f on f.commit_no = c.no
""".strip(),
    example="select substr(id, 1, 10) as id, time, author, summary from commits order by time desc limit 20",
)
