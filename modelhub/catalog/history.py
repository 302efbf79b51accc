"""Read the log from the catalog: commits in topological order, newest first, with what is known of each."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from sqlite3 import Connection

import msgspec

SHORT_DIGITS = 10
_BATCH = 1000


class LogEntry(msgspec.Struct, frozen=True):
    """One commit. `time` is unix milliseconds UTC, `offset` the author's minutes east; `refs` as people read them.

    `forgotten`: its weights were given up ('mh keep').
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    email: str
    time: int
    offset: int
    message: str
    refs: tuple[str, ...]
    params: Mapping[str, str | float | None]
    metrics: Mapping[str, float]
    forgotten: bool = False

    @property
    def short(self) -> str:
        """The first digits of the id, enough to name it."""
        return self.commit[:SHORT_DIGITS]

    @property
    def summary(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


def ref_commits(connection: Connection, name: str | None) -> list[str]:
    """Return the commit of HEAD, of a branch or of a tag by its short name, or for None those of all refs."""
    rows = connection.execute(
        "select distinct o.oid from mh_refs r join mh_oids o on o.no = r.commit_no where r.name = coalesce(?, r.name)"
        " order by r.kind <> 'branch', r.name",
        (name,),
    )
    found = [oid for (oid,) in rows]
    return found if name is None else found[:1]


def read_log(
    connection: Connection, starts: Iterable[str], *, paths: Sequence[str] = (), limit: int | None = None
) -> Iterator[LogEntry]:
    """Yield the commits that the given ones descend from: a commit before its parents, else the newest first.

    `paths` keeps those that changed one of them against their first parent. Cost: about 10 µs a commit.
    """
    graph = _Graph.read(connection)
    order: Iterable[int] = graph.walk(_numbers(connection, starts))
    if paths:
        order = _touching(connection, graph, order, paths)
    wanted = iter(order if limit is None else islice(order, limit))
    names = _ref_names(connection)
    while batch := list(islice(wanted, _BATCH)):
        yield from _entries(connection, graph, batch, names)


@dataclass(frozen=True, slots=True)
class _Graph:
    times: dict[int, int]
    parents: dict[int, list[int]]
    has_merges: bool

    @classmethod
    def read(cls, connection: Connection) -> _Graph:
        rows = connection.execute("select commit_no, parent_no from mh_parents order by 1, position").fetchall()
        parents = {commit: [parent] for commit, parent in rows}
        has_merges = len(parents) < len(rows)
        if has_merges:
            parents = {}
            for commit, parent in rows:
                parents.setdefault(commit, []).append(parent)
        return cls(dict(connection.execute("select no, time from mh_commits")), parents, has_merges)

    def walk(self, starts: Iterable[int]) -> Iterator[int]:
        """Kahn's algorithm over the ancestors, the newest of the ready commits first."""
        starts = list(dict.fromkeys(starts))
        if len(starts) == 1 and not self.has_merges:
            return self._line(starts[0])
        return self._sorted(starts)

    def _line(self, start: int) -> Iterator[int]:
        """Without merges the ancestors of one commit are a line."""
        yield start
        while start in self.parents and self.parents[start][0] in self.times:
            start = self.parents[start][0]
            yield start

    def _sorted(self, starts: Sequence[int]) -> Iterator[int]:
        children = self._count_children(starts)
        ready = [(-self.times[no], -no) for no in starts if not children[no]]
        heapq.heapify(ready)
        while ready:
            no = -heapq.heappop(ready)[1]
            yield no
            for parent in self.parents.get(no, ()):
                if parent in children:
                    children[parent] -= 1
                    if not children[parent]:
                        heapq.heappush(ready, (-self.times[parent], -parent))

    def _count_children(self, starts: Sequence[int]) -> dict[int, int]:
        children = dict.fromkeys(starts, 0)
        waiting = list(starts)
        while waiting:
            for parent in self.parents.get(waiting.pop(), ()):
                if parent in children:
                    children[parent] += 1
                elif parent in self.times:
                    children[parent] = 1
                    waiting.append(parent)
        return children


def _numbers(connection: Connection, oids: Iterable[str]) -> list[int]:
    found = [connection.execute("select no from mh_oids where oid = ?", (oid,)).fetchone() for oid in oids]
    return [row[0] for row in found if row is not None]


def _touching(connection: Connection, graph: _Graph, order: Iterable[int], paths: Sequence[str]) -> Iterator[int]:
    states = [_path_states(connection, path) for path in paths]
    for no in order:
        parents = graph.parents.get(no, [])
        first = parents[0] if parents else None
        if any(state.get(no) != (None if first is None else state.get(first)) for state in states):
            yield no


def _path_states(connection: Connection, path: str) -> dict[int, tuple[int, str]]:
    """What each commit has at a path: the number of its tree or of its file."""
    folder, _, name = path.rpartition("/")
    rows = connection.execute(
        "select d.commit_no, e.file_no, e.mode from mh_directories d join mh_entries e on e.tree_no = d.tree_no"
        " where d.path = ? and e.name = ?",
        (folder, name),
    )
    states = {commit: (file, mode) for commit, file, mode in rows}
    trees = connection.execute("select commit_no, tree_no from mh_directories where path = ?", (path,))
    return states | {commit: (tree, "tree") for commit, tree in trees}


def _ref_names(connection: Connection) -> dict[int, list[str]]:
    """The names at each commit: `HEAD -> main`, branches, `tag: v1`."""
    names: dict[int, list[str]] = {}
    rows = list(connection.execute("select kind, name, commit_no, is_head from mh_refs order by kind, name"))
    on_branch = any(kind == "branch" and is_head for kind, _, _, is_head in rows)
    for kind, name, commit, is_head in rows:
        if kind == "head":
            if not on_branch:
                names.setdefault(commit, []).insert(0, "HEAD")
        elif kind == "branch" and is_head:
            names.setdefault(commit, []).insert(0, f"HEAD -> {name}")
        else:
            names.setdefault(commit, []).append(f"tag: {name}" if kind == "tag" else name)
    return names


def _entries(
    connection: Connection, graph: _Graph, batch: Sequence[int], names: dict[int, list[str]]
) -> Iterator[LogEntry]:
    columns = "c.no, o.oid, c.author_name, c.author_email, c.time, c.offset_minutes, c.message"
    # `cross join`: commits first, or SQLite walks every id that was ever numbered between them
    query = f"select {columns} from mh_commits c cross join mh_oids o on o.no = c.no where c.no {_among(batch)}"  # noqa: S608
    commits = {row[0]: row for row in connection.execute(query)}
    oids = {no: row[1] for no, row in commits.items()}
    beyond = {no for commit in batch for no in graph.parents.get(commit, ()) if no not in oids}
    oids |= connection.execute(f"select no, oid from mh_oids where no {_among(beyond)}")  # noqa: S608
    params = read_params(connection, _among(batch))
    metrics = read_metrics(connection, _among(batch))
    marked = connection.execute(f"select commit_no from mh_forgotten where commit_no {_among(batch)}")  # noqa: S608
    forgotten = {no for (no,) in marked}
    for no in batch:
        _, oid, author, email, time, offset, message = commits[no]
        parents = tuple([oids[parent] for parent in graph.parents.get(no, ())])
        refs = tuple(names.get(no, ()))
        facts = params.get(no, {}), metrics.get(no, {})
        yield LogEntry(oid, parents, author, email, time, offset, message, refs, *facts, no in forgotten)


def _among(numbers: Collection[int]) -> str:
    """Return the condition for rows of these commits; numbers that lie close are read as a range, others and all."""
    if numbers and max(numbers) - min(numbers) < 4 * len(numbers):
        return f"between {min(numbers)} and {max(numbers)}"
    return f"in ({','.join(map(str, numbers))})"


def read_params(connection: Connection, among: str) -> dict[int, dict[str, str | float | None]]:
    """Return the params of the commits whose number meets a condition (`= 3`), each in its own type, by name."""
    found: dict[int, dict[str, str | float | None]] = {}
    query = f"select commit_no, name, value, number from mh_params where commit_no {among} order by 1, 2"  # noqa: S608
    for commit, name, value, number in connection.execute(query):
        found.setdefault(commit, {})[name] = value if number is None else msgspec.json.decode(value)
    return found


def read_metrics(connection: Connection, among: str) -> dict[int, dict[str, float]]:
    """Return the metrics of the commits whose number meets a condition (`= 3`), by name."""
    found: dict[int, dict[str, float]] = {}
    query = f"select commit_no, name, value from mh_metrics where commit_no {among} order by 1, 2"  # noqa: S608
    for commit, name, value in connection.execute(query):
        found.setdefault(commit, {})[name] = math.nan if value is None else value
    return found
