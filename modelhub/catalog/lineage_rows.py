"""Turn what is known of how model files came to be into edges: derivations, runs, and the file's own history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from modelhub.catalog import rows, run_tables
from modelhub.errors import ModelHubError
from modelhub.repository.objects import Commit, Derivation, Manifest, Run, Usage
from modelhub.repository.repository import Repository
from modelhub.repository.trees import find_entry

TRAINED_ON = "trained-on"
DERIVED = "derived"
VERSION = "version"

MODEL_ENDINGS = (".safetensors", ".gguf", ".onnx", ".pt", ".pth", ".ckpt", ".npz")
"""Files outside that were hashed and not looked into are taken for models by these."""

Edge = tuple[object, ...]
Child = tuple[str, int]
"""A model file: its path and the number of its content."""

Source = tuple[int | None, str | None, int | None, str | None]
"""What a file came from: the numbers of a commit, a path, the number of its content, a name outside."""


class LineageIngest:
    """Adds the edges of commits and runs. The caller holds the transaction."""

    def __init__(self, repository: Repository, connection: sqlite3.Connection) -> None:
        self._repository = repository
        self._connection = connection

    def add_versions(self, commit_no: int) -> None:
        """Link each model file that a commit changed to the one that its first parent has at the same path."""
        self._connection.execute(
            """
            insert into mh_lineage (commit_no, path, file_no, relation, named_commit_no, parent_commit_no, parent_path,
              parent_file_no, evidence)
            select m.commit_no, m.path, m.file_no, ?, p.origin_no, p.origin_no, p.path, p.file_no, 'history'
            from mh_models m
            join mh_parents a on a.commit_no = m.commit_no and a.position = 0
            join mh_models p on p.commit_no = a.parent_no and p.path = m.path
            where m.commit_no = ? and m.origin_no = m.commit_no and p.file_no <> m.file_no
            """,
            (VERSION, commit_no),
        )

    def add_derivations(self, commit_no: int, oid: str, commit: Commit, runs: Sequence[Run]) -> None:
        """Add what was declared or found for a commit, but for what its runs say better."""
        of_runs = {item for run in runs for item in run.derivations}
        for item in commit.derivations:
            if item in of_runs:
                continue
            evidence = "declared" if item.declared else "metadata" if item.source_name else "weights"
            children = self._children(commit_no, item.path)
            edges = self._edges(children, item, evidence, commit_no=commit_no)
            run_tables.add_lineage(self._connection, list(edges))

    def add_run(self, commit_no: int | None, oid: str | None, run_no: int, run: Run) -> None:
        """Link the model files that a run wrote to the models and data that it read."""
        children = [(usage.path, self._no(usage.oid)) for usage in run.outputs if self._is_model(usage)]
        if not children and commit_no is not None:
            named = {item.path for item in run.derivations}
            children = [child for path in sorted(named) for child in self._children(commit_no, path)]
        edges: list[Edge] = []
        told: set[int | None] = set()
        for item in run.derivations:
            chosen = _chosen(children, item)
            found = list(self._edges(chosen, item, "run", commit_no=commit_no, run_no=run_no))
            told.update(edge[8] for edge in found)  # type: ignore[misc]
            edges += found
        for usage in run.inputs:
            edges += self._of_input(children, usage, told, commit_no=commit_no, run_no=run_no)
        run_tables.add_lineage(self._connection, list(dict.fromkeys(edges)))

    def _of_input(
        self, children: Iterable[Child], usage: Usage, told: set[int | None], *, commit_no: int | None, run_no: int
    ) -> Iterator[Edge]:
        file_no = self._no(usage.oid)
        is_model = self._is_model(usage)
        if is_model and file_no in told:
            return
        source_no = self._no(usage.source_commit) if usage.source_commit else None
        source = (source_no, (usage.source_path if usage.source_commit else "") or usage.path, file_no, None)
        for child in children:
            if child[1] != file_no:
                yield _edge(child, DERIVED if is_model else TRAINED_ON, source, "run", commit_no, run_no)

    def _edges(
        self,
        children: Iterable[Child],
        item: Derivation,
        evidence: str,
        *,
        commit_no: int | None,
        run_no: int | None = None,
    ) -> Iterator[Edge]:
        for child in children:
            for source in self._sources(item, child):
                if source[2] != child[1]:
                    yield _edge(child, item.relation, source, evidence, commit_no, run_no)

    def _sources(self, item: Derivation, child: Child) -> list[Source]:
        """The source files: the named one, else of a commit as a whole the same path, else all its model files."""
        if not item.source_commit:
            return [(None, item.source_path or None, None, item.source_name)]
        name = item.source_name or None
        commit_no = self._no(item.source_commit)
        if item.source_path:
            return [(commit_no, item.source_path, self._file_at(item.source_commit, item.source_path), name)]
        same = self._file_at(item.source_commit, child[0])
        if same is not None:
            return [(commit_no, child[0], same, name)]
        query = "select path, file_no from mh_models where commit_no = ? order by path"
        found = self._connection.execute(query, (commit_no,)).fetchall()
        return [(commit_no, path, file_no, name) for path, file_no in found] or [(commit_no, None, None, name)]

    def _children(self, commit_no: int, path: str) -> list[Child]:
        """The model files a derivation speaks of: the named one, else those that came in with the commit, else all."""
        query = "select path, file_no, origin_no = commit_no from mh_models where commit_no = ? order by path"
        models = self._connection.execute(query, (commit_no,)).fetchall()
        if path:
            return [(found, file_no) for found, file_no, _ in models if found == path]
        new = [(found, file_no) for found, file_no, is_new in models if is_new]
        return new or [(found, file_no) for found, file_no, _ in models]

    def _file_at(self, commit: str, path: str) -> int | None:
        try:
            tree = self._repository.get(commit, Commit).tree
            entry = find_entry(self._repository, tree, path)
        except ModelHubError:
            return None
        return None if entry.mode == "tree" else self._no(entry.oid)

    def _is_model(self, usage: Usage) -> bool:
        if usage.mode == "tree":
            return False
        if usage.manifest is None:
            return usage.path.lower().endswith(MODEL_ENDINGS)
        return self._has_tensors(usage.manifest)

    def _has_tensors(self, manifest: str) -> bool:
        query = "select tensors from mh_manifests where no = ?"
        known = self._connection.execute(query, (self._no(manifest),)).fetchone()
        if known is not None:
            return bool(known[0])
        try:
            return bool(self._repository.get(manifest, Manifest).tensors())
        except ModelHubError:
            return False

    def _no(self, oid: str) -> int:
        return rows.oid_no(self._connection, oid)


def _chosen(children: Sequence[Child], item: Derivation) -> list[Child]:
    """The files a run wrote that a derivation speaks of: the named one, else the source's namesake, else all."""
    path = item.path or (item.source_path if item.source_path in {child[0] for child in children} else "")
    return [child for child in children if path in ("", child[0])]


def settle_parents(connection: sqlite3.Connection) -> None:
    """Name as an edge's parent the commit in which the parent's content came in, where the catalog has it."""
    origin = (
        "coalesce((select m.origin_no from mh_models m where m.commit_no = mh_lineage.named_commit_no"
        " and m.path = mh_lineage.parent_path), mh_lineage.named_commit_no)"
    )
    connection.execute(
        f"update mh_lineage set parent_commit_no = {origin}"  # noqa: S608
        f" where named_commit_no is not null and evidence <> 'history' and parent_commit_no is not {origin}"
    )


def _edge(
    child: Child, relation: str, source: Source, evidence: str, commit_no: int | None, run_no: int | None
) -> Edge:
    commit, path, file_no, name = source
    return commit_no, run_no, *child, relation, commit, commit, path, file_no, name, evidence
