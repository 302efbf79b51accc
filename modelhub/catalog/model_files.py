"""What the catalog knows of model files for telling which is like which: places, and sketches of their tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection

from msgspec import Struct

_ANCESTORS = (
    "with recursive up(no) as (select no from mh_oids where oid = ?"
    " union select p.parent_no from up join mh_parents p on p.commit_no = up.no)"
    " select c.no, c.generation from up join mh_commits c on c.no = up.no"
)


class SketchedTensor(Struct, frozen=True):
    """One tensor of a model file with a few of its values; `nbytes` is its weight in every sum."""

    name: str
    oid: str
    dtype: str
    shape: str
    elements: int
    nbytes: int
    sketch: bytes


class ModelPlace(Struct, frozen=True):
    """Where a model file was first recorded."""

    manifest: str
    commit: str
    path: str


class History:
    """The commits that one commit descends from (itself too), as the catalog has them."""

    def __init__(self, connection: Connection, commit: str) -> None:
        self._connection = connection
        self._generations: dict[int, int] = dict(connection.execute(_ANCESTORS, (commit,)).fetchall())

    def first_place(self, manifest_no: int) -> ModelPlace | None:
        """Return the oldest version with this model file, None where none of these has it."""
        rows = self._connection.execute(
            "select d.commit_no, d.path, e.name from mh_entries e join mh_directories d on d.tree_no = e.tree_no"
            " where e.manifest_no = ?",
            (manifest_no,),
        )
        found = [(self._generations[no], path, name, no) for no, path, name in rows if no in self._generations]
        if not found:
            return None
        _, folder, name, commit_no = min(found)
        return ModelPlace(
            _oid(self._connection, manifest_no),
            _oid(self._connection, commit_no),
            f"{folder}/{name}" if folder else name,
        )

    def places_named(self, word: str) -> list[ModelPlace]:
        """Return where model files were first recorded whose path has this word as a part or a file's stem."""
        rows = self._connection.execute(
            "select distinct d.path, e.name, e.manifest_no from mh_entries e"
            " join mh_directories d on d.tree_no = e.tree_no"
            " where e.manifest_no is not null and instr(lower(d.path || '/' || e.name), ?)",
            (word.lower(),),
        ).fetchall()
        numbers = {no for folder, name, no in rows if _is_named(f"{folder}/{name}", word)}
        found = (self.first_place(no) for no in sorted(numbers))
        return [place for place in found if place is not None]


def _oid(connection: Connection, no: int) -> str:
    return str(connection.execute("select oid from mh_oids where no = ?", (no,)).fetchone()[0])


def _is_named(path: str, word: str) -> bool:
    parts = path.lower().split("/")
    parts.append(parts[-1].partition(".")[0])
    parts.append(parts[-2].rpartition(".")[0])
    return word.lower() in parts


def sketched_tensors(connection: Connection, manifest: str) -> list[SketchedTensor]:
    """Return the tensors of a model file that have sketches (views are left out)."""
    rows = connection.execute(
        "select m.name, o.oid, m.dtype, m.shape, m.elements, m.nbytes, t.sketch from mh_oids w"
        " join mh_manifest_tensors m on m.manifest_no = w.no join mh_tensors t on t.no = m.tensor_no"
        " join mh_oids o on o.no = t.oid_no where w.oid = ? and not m.is_view and t.sketch is not null"
        " order by m.position",
        (manifest,),
    )
    return [SketchedTensor(*row) for row in rows]


def sketches_by_oid(connection: Connection, oids: Iterable[str]) -> dict[str, bytes]:
    """Return the sketches of stored tensors."""
    found = {}
    for oid in oids:
        row = connection.execute(
            "select t.sketch from mh_oids o join mh_tensors t on t.oid_no = o.no where o.oid = ?", (oid,)
        ).fetchone()
        if row is not None and row[0] is not None:
            found[oid] = bytes(row[0])
    return found


def same_size(connection: Connection, dtype: str, elements: int, limit: int) -> list[tuple[int, bytes]]:
    """Return (number, sketch) of the newest tensors with so many values, of this dtype or a floating one."""
    return connection.execute(
        "select no, sketch from mh_tensors where dtype in (?, 'float32', 'float16', 'bfloat16', 'float64')"
        " and elements = ? and sketch is not null order by no desc limit ?",
        (dtype, elements, limit),
    ).fetchall()


def manifests_with(connection: Connection, tensors: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Return (manifest number, tensor number) for the newest model files that hold one of these tensors."""
    marks = ",".join("?" * len(tensors))
    return connection.execute(
        "select distinct manifest_no, tensor_no from mh_manifest_tensors"  # noqa: S608
        f" where tensor_no in ({marks}) order by manifest_no desc limit ?",
        (*tensors, limit),
    ).fetchall()
