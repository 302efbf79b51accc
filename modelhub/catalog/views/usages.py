"""The views `inputs` and `outputs`: what runs read and wrote."""

from __future__ import annotations

from modelhub.catalog.views.view import RUN_ID, Column, View

_COLUMNS = (
    RUN_ID,
    Column("path", "text", "the file or folder, relative to the repository's; absolute for what lies outside"),
    Column("file_id", "text", "BLAKE3 of the file, as in `files.file_id`; of a folder the id of its tree"),
    Column("nbytes", "integer", "its size", "bytes"),
    Column("is_kept", "integer", "1: the content is in the store; 0: it was only hashed"),
    Column("source_commit_id", "text", "the version it was taken from", null="from no version"),
    Column("source_path", "text", "the path in that version", null="from no version"),
    Column("step", "integer", "the step at which it was written", "steps", "not said"),
)
_SQL = """
select r.run_id, u.path, f.oid as file_id, u.nbytes, u.is_kept, c.oid as source_commit_id, u.source_path, u.step
from mh_usages u
join mh_runs r on r.no = u.run_no
join mh_oids f on f.no = u.file_no
left join mh_oids c on c.no = u.source_commit_no
where u.is_output = {} and not r.is_replaced
""".strip()

INPUTS = View(
    name="inputs",
    description="The files and folders that each run read, as they were when it began.",
    columns=_COLUMNS,
    sql=_SQL.format(0),
    example="select run_id, path, nbytes from inputs where path glob 'data/*' order by run_id, path",
)
OUTPUTS = View(
    name="outputs",
    description="The files and folders that each run wrote.",
    columns=_COLUMNS,
    sql=_SQL.format(1),
    example=(
        "select f.path, r.name, r.author\n"
        "from outputs u join runs r on r.run_id = u.run_id join files f on f.file_id = u.file_id\n"
        "where f.commit_id = (select commit_id from refs where name = 'HEAD')"
    ),
)
