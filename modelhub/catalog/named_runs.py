"""Find runs in the catalog by their name or the beginning of their id."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

_NAMED = """
select r.run_id, o.oid,
  (select k.oid from mh_commit_runs t join mh_commits c on c.no = t.commit_no join mh_oids k on k.no = c.no
    where t.run_no = r.no order by c.generation, c.time, k.oid limit 1)
from mh_runs r left join mh_oids o on o.no = r.object_no
where not r.is_replaced
  and (r.name = :text or (length(:text) >= :least and substr(r.run_id, 1, length(:text)) = :text))
order by r.started, r.run_id
"""


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A run by its whole id, its object where it has one, and the first version that took it in."""

    run: str
    oid: str | None
    commit: str | None


def named_runs(connection: Connection, text: str, *, least: int = 1) -> list[NamedRun]:
    """Return the runs of this name or whose id begins so, with at least so many digits; one with just this id alone."""
    if not text:
        return []
    found = [NamedRun(*row) for row in connection.execute(_NAMED, {"text": text, "least": least})]
    return [item for item in found if item.run == text] or found
