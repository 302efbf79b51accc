"""Read the lint findings of a commit from the catalog."""

from __future__ import annotations

from sqlite3 import Connection

from modelhub.repository.lint import Finding


def read_findings(connection: Connection, commit: str) -> list[Finding]:
    """Return what was found in a commit's weights, in path order."""
    rows = connection.execute(
        "select path, tensor, code, severity, message from mh_lint"
        " where commit_no = (select no from mh_oids where oid = ?) order by path, severity desc, tensor, code",
        (commit,),
    )
    return [Finding(*row) for row in rows]
