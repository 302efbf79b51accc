"""Write the reference page of the public views, docs/reference/sql-views.md, from their declarations."""

from __future__ import annotations

from modelhub.catalog.views.registry import VIEWS
from modelhub.catalog.views.view import Column, View

_HEAD = """
# SQL views

`mh query "select ..."` runs one read-only SELECT over these views, in [SQLite's SQL](https://www.sqlite.org/lang_select.html);
`repo.query(...)` does the same from Python. View and column names are stable: new ones may come, none change or go.
The tables beneath them are not for queries and may change at any time.

- Ids are full, 64 hex digits. A short id: `commit_id glob 'abcd1234*'`.
- Times are ISO 8601 text in UTC and compare as text: `time >= '2026-03'`.
- Any two versions compare as a table: `select * from tensor_diff('v1', 'v2')` has the columns of
  [`tensor_changes`](#tensor_changes), `commit_id` being the second. The revisions are text or parameters with a value.
  With paths it compares two files, whatever their names: `tensor_diff('v1:base.safetensors', 'v2:tuned.safetensors')`.
- `mh query --as-of WHEN` answers as of then: a date (its end, in local time), `'2026-03-01 14:00'` (local; or with `Z`
  or `+02:00`), an operation's id (`op:ID` where it could be a revision too), or a revision: when a ref first held it.
  Refs, versions, runs and operations are those of the time; a run that was pending then is not there.
- A query may run 10 seconds. It cannot write, attach files or change settings.
- All of SQLite's everyday functions are there, with the mathematical ones; those that reach outside the data are not.

Written from the declarations in `modelhub/catalog/views` by `python -m modelhub.catalog.views`.
""".strip()


def reference_page() -> str:
    """Return the page as Markdown."""
    index = "\n".join(f"- [`{view.name}`](#{view.name}): {view.description}" for view in VIEWS)
    return "\n\n".join([_HEAD, index, *(_section(view) for view in VIEWS)]) + "\n"


def _section(view: View) -> str:
    rows = "\n".join(_row(column) for column in view.columns)
    table = f"| column | type | meaning | NULL |\n|---|---|---|---|\n{rows}"
    return f"## {view.name}\n\n{view.description}\n\n{table}\n\n```sql\n{view.example}\n```"


def _row(column: Column) -> str:
    meaning = f"{column.description} ({column.unit})" if column.unit else column.description
    return f"| `{column.name}` | {column.type} | {meaning} | {column.null or 'never'} |"
