"""Read where model files came from and what was made of them: as a graph to draw, and as distances for queries."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Literal

Key = int | tuple[object, ...]
"""A node: the number of its content, or where it is said to be if its content is not known."""

NodeKind = Literal["model", "data", "outside"]
NO_CONTENTS: Mapping[str, str] = {}
_EDGES = """
select e.no, c.oid, e.path, e.file_no, f.oid, e.relation, e.parent_commit_no, p.oid, e.parent_path, e.parent_file_no,
  g.oid, e.parent_name, r.run_id, e.evidence
from mh_lineage e
join mh_oids f on f.no = e.file_no
left join mh_oids c on c.no = e.commit_no
left join mh_oids p on p.no = e.parent_commit_no
left join mh_oids g on g.no = e.parent_file_no
left join mh_runs r on r.no = e.run_no
where (e.run_no is null or not r.is_replaced)
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A file that something came from or was made of, with a commit and path at which it is found.

    `commit` and `file` are empty where they are not known, `name` is that of a source outside.
    """

    commit: str
    path: str
    file: str
    name: str
    kind: NodeKind


@dataclass(frozen=True, slots=True)
class Edge:
    """What a file was made from: places in the tuple of nodes. `run_id` is None where no run is known."""

    child: int
    parent: int
    relation: str
    evidence: str
    run_id: str | None


def read_lineage(
    connection: Connection,
    commit: str,
    path: str | None,
    *,
    up: bool = True,
    depth: int | None = None,
    contents: Mapping[str, str] = NO_CONTENTS,
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Return what the model files of a commit (or the one at a path) came from, or with `up=False` what came of them.

    `contents` are further files and folders to start at: the id of each by its path. The first is always a node, others
    where they lead on. The files asked for are the first nodes; edges come in the order of their distance, at most
    `depth` away.
    """
    graph = _Drawing(connection, up=up)
    graph.start(commit, path)
    graph.start_at(commit, contents)
    graph.walk(depth)
    return tuple(graph.nodes.values()), tuple(graph.edges)


class _Drawing:
    """The nodes and edges found so far, nodes by their key in the order in which they were met."""

    def __init__(self, connection: Connection, *, up: bool) -> None:
        self.nodes: dict[Key, Node] = {}
        self.edges: list[Edge] = []
        self._connection = connection
        self._up = up
        self._column = "file_no" if up else "parent_file_no"
        self._places: dict[Key, int] = {}
        self._seen: set[tuple[object, ...]] = set()

    def start(self, commit: str, path: str | None) -> None:
        query = (
            "select m.file_no, m.path, f.oid from mh_models m join mh_oids c on c.no = m.commit_no"
            " join mh_oids f on f.no = m.file_no where c.oid = ? and m.path = coalesce(?, m.path) order by m.path"
        )
        for file_no, found, oid in self._connection.execute(query, (commit, path)):
            self._place(file_no, Node(commit, found, oid, "", "model"))

    def start_at(self, commit: str, contents: Mapping[str, str]) -> None:
        query = (
            "select f.no, exists (select 1 from mh_models where file_no = f.no),"  # noqa: S608
            f" exists (select 1 from mh_lineage where {self._column} = f.no) from mh_oids f where f.oid = ?"
        )
        for place, (path, oid) in enumerate(contents.items()):
            found = self._connection.execute(query, (oid,)).fetchone()
            key, is_model, leads_on = found or ((commit, path, ""), False, False)
            if place == 0 or leads_on:
                self._place(key, Node(commit, path, oid, "", "model" if is_model else "data"))

    def walk(self, depth: int | None) -> None:
        level, waiting = 0, list(self.nodes)
        while waiting and (depth is None or level < depth):
            level, waiting = level + 1, [key for one in waiting for key in self._expand(one)]

    def _expand(self, key: Key) -> list[Key]:
        if not isinstance(key, int):
            return []
        found = []
        for row in self._connection.execute(f"{_EDGES} and e.{self._column} = ? order by e.no", (key,)):
            known = len(self.nodes)
            reached = self._add(row)
            if len(self.nodes) > known:
                found.append(reached)
        return found

    def _add(self, row: tuple[object, ...]) -> Key:
        _, commit, path, file_no, file, relation, _, parent_commit, parent_path, _, parent_file, name, run, evidence = (
            row
        )
        parent_key = _parent_key(row[6], row[8], row[9], row[11])
        kind: NodeKind = "outside" if name and not parent_file else "data" if relation == "trained-on" else "model"
        parent_node = Node(_text(parent_commit), _text(parent_path), _text(parent_file), _text(name), kind)
        ends = ((file_no, Node(_text(commit), _text(path), _text(file), "", "model")), (parent_key, parent_node))
        for key, node in ends if self._up else ends[::-1]:
            self._place(key, node)  # type: ignore[arg-type]
        edge = (file_no, parent_key, relation, run)
        if edge not in self._seen:
            self._seen.add(edge)
            child, parent = self._places[file_no], self._places[parent_key]  # type: ignore[index]
            self.edges.append(Edge(child, parent, str(relation), str(evidence), None if run is None else str(run)))
        return parent_key if self._up else file_no  # type: ignore[return-value]

    def _place(self, key: Key, node: Node) -> None:
        if key not in self.nodes:
            self._places[key] = len(self.nodes)
            self.nodes[key] = node


class LineageDistances:
    """Tells how far a file is from the parent of an edge: what the view `lineage_paths` asks for pair by pair.

    One side of the pairs stays the same for long, so one walk from that side answers them all.
    """

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(
            "select e.no, e.file_no, e.parent_commit_no, e.parent_path, e.parent_file_no, e.parent_name"
            " from mh_lineage e left join mh_runs r on r.no = e.run_no where e.run_no is null or not r.is_replaced"
            " order by e.no"
        )
        self._parents: dict[Key, list[Key]] = {}
        self._children: dict[Key, list[Key]] = {}
        self._shown: dict[int, Key] = {}
        shown: set[tuple[object, ...]] = set()
        for no, file_no, commit_no, path, parent_no, name in rows:
            key = _parent_key(commit_no, path, parent_no, name)
            self._parents.setdefault(file_no, []).append(key)
            self._children.setdefault(key, []).append(file_no)
            if (key, commit_no, path, name) not in shown:
                shown.add((key, commit_no, path, name))
                self._shown[no] = key
        self._above: tuple[Key | None, dict[Key, int]] = (None, {})
        self._below: tuple[Key | None, dict[Key, int]] = (None, {})
        self._last: Key | None = None

    def distance(self, file_no: int, edge_no: int) -> int | None:
        """Return how many edges lie between, None where there is no way or another edge stands for this one."""
        key = self._shown.get(edge_no)
        if key is None:
            return None
        if self._above[0] == file_no:
            return self._above[1].get(key)
        if self._below[0] != key:
            if self._last != key:
                self._last = key
                self._above = file_no, _walk(self._parents, file_no)
                return self._above[1].get(key)
            self._below = key, _walk(self._children, key)
        return self._below[1].get(file_no)


def _walk(neighbours: Mapping[Key, Iterable[Key]], start: Key) -> dict[Key, int]:
    """Return the distance of everything that can be reached, without the start."""
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        key = waiting.popleft()
        for other in neighbours.get(key, ()):
            if other not in found:
                found[other] = found[key] + 1
                waiting.append(other)
    del found[start]
    return found


def _parent_key(commit_no: object, path: object, file_no: object, name: object) -> Key:
    return file_no if isinstance(file_no, int) else (commit_no, path, name)


def _text(value: object) -> str:
    return "" if value is None else str(value)
