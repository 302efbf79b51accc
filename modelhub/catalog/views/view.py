"""What a public view declares: its SQL, and everything a person must know to use it."""

from __future__ import annotations

import dataclasses
from typing import Literal

ColumnType = Literal["text", "integer", "real"]


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column of a view. `null` says what NULL means; None: the column is never NULL."""

    name: str
    type: ColumnType
    description: str
    unit: str | None = None
    null: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """A view; `sql` is its SELECT over the tables of schema.py, `example` a query worth copying, with its purpose."""

    name: str
    description: str
    columns: tuple[Column, ...]
    sql: str
    example: str


COMMIT_ID = Column("commit_id", "text", "the commit, as in `commits.id`")
RUN_ID = Column("run_id", "text", "the run, as in `runs.run_id`")
