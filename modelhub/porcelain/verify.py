"""Check what is said of a version's parents against the weights, and look for a parent that is nearer.

Why these thresholds: docs/design/005-verified-lineage.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.facts import Facts
from modelhub.catalog.model_files import History, SketchedTensor, sketched_tensors
from modelhub.catalog.opening import open_current_with
from modelhub.catalog.revisions import resolve_place
from modelhub.errors import NotFoundError
from modelhub.porcelain.adapters import check_adapter, is_adapter
from modelhub.porcelain.model_tensors import ModelTensors, models_in, read_model, same_files
from modelhub.porcelain.resemblance import Likenesses
from modelhub.porcelain.tensor_checks import Checker, Tally, TensorCheck, shares, tallies
from modelhub.porcelain.verdicts import NOT_OF_WEIGHTS, Verdict, judge, judge_adapter
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import Commit, Derivation, Run
from modelhub.repository.repository import Repository
from modelhub.repository.trees import Files, read_files
from modelhub.weights.written_tensor import are_codes

if TYPE_CHECKING:
    from modelhub.catalog.opening import Connection

EXACT_CANDIDATES = 3
NEARER = 0.9
"""Another file is nearer where its distance is less than this part of the declared parent's."""


@dataclass(frozen=True, slots=True)
class VerifiedParent:
    """One parent and what the weights say of it. `commit` is empty for a model outside the repository (`name`).

    `distance` is 0.0 for equal weights, 1.41 for unrelated ones; None where none were compared.
    """

    commit: str
    path: str
    name: str
    relation: str
    evidence: str
    verdict: Verdict
    reason: str
    distance: float | None
    totals: tuple[Tally, ...]
    tensors: tuple[TensorCheck, ...]


@dataclass(frozen=True, slots=True)
class NearestFile:
    """The model file of the history that is nearest by its weights."""

    commit: str
    path: str
    distance: float


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """A model of the version; `commit` is the version that recorded it as it is."""

    path: str
    commit: str
    tensors: int
    nbytes: int
    parents: tuple[VerifiedParent, ...]
    nearest: NearestFile | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Every model file of a version with its parents."""

    commit: str
    files: tuple[VerifiedFile, ...]

    @property
    def contradicted(self) -> bool:
        """Whether the weights contradict any parent."""
        return any(parent.verdict == "contradicted" for file in self.files for parent in file.parents)


def verify(repo: Repository, *, place: str = "HEAD", progress: Progress = SILENT) -> VerifyResult:
    """Check the parents of the model files of `REV`, or of the one at `REV:PATH`.

    Cost: every tensor that differs from its parent's is decoded once, and those of up to three nearer candidates.
    Raises RefNotFound, PathNotFound.
    """
    found = resolve_place(repo, place)
    files = read_files(repo, repo.commit_tree(found.commit))
    names = [found.path] if found.path else list(models_in(files))
    progress.start("comparing tensors", None, "tensors")
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(open_current_with(repo, found.commit))
        facts = Facts(repo)
        stack.callback(facts.close)
        verifier = _Verifier(repo, connection, facts, progress)
        checked = tuple(verifier.file(found.commit, read_model(repo, files, name)) for name in names)
    return VerifyResult(found.commit, checked)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A stated parent; `derivation` with relation "history" for the version before."""

    derivation: Derivation
    evidence: str


class _Verifier:
    def __init__(self, repo: Repository, connection: Connection, facts: Facts, progress: Progress) -> None:
        self._repo = repo
        self._connection = connection
        self._facts = facts
        self._progress = progress

    def file(self, commit: str, model: ModelTensors) -> VerifiedFile:
        """Check one model of a commit."""
        made_by = self._made_by(commit, model)
        sketched = self._sketched(model)
        checker = Checker(self._repo, {item.oid: item.sketch for item in sketched}, self._facts, self._progress)
        parents = tuple(self._parent(model, edge, checker) for edge in self._edges(made_by, model))
        nearest = None if is_adapter(model.tensors) else self._nearest(made_by, model, sketched, checker, parents)
        warnings = tuple(_not_nearest(parents, nearest))
        count, nbytes = len(model.tensors), model.nbytes
        return VerifiedFile(model.path, made_by, count, nbytes, parents, nearest, warnings)

    def _made_by(self, commit: str, model: ModelTensors) -> str:
        """Return the commit, back along first parents, that recorded the model as it is."""
        while True:
            parents = self._repo.get(commit, Commit).parents
            here = self._files(commit)
            if not parents or not same_files(here, self._files(parents[0]), model.files):
                return commit
            commit = parents[0]

    def _files(self, commit: str) -> Files:
        return read_files(self._repo, self._repo.commit_tree(commit))

    def _edges(self, commit: str, model: ModelTensors) -> Iterator[_Edge]:
        record = self._repo.get(commit, Commit)
        by_runs = {item for oid in record.runs for item in self._repo.get(oid, Run).derivations}
        changed = self._changed(commit)
        for item in dict.fromkeys((*record.derivations, *by_runs)):
            namesake = item.source_path if item.source_path in changed else ""
            if (item.path or namesake) in ("", model.path, *model.files):
                yield _Edge(item, _evidence(item, by_run=item in by_runs))
        stated = {(item.source_commit, item.source_path) for item in record.derivations}
        for parent in record.parents[:1]:
            before = models_in(self._files(parent))
            if model.path in before and not stated.intersection((parent, path) for path in ("", *before[model.path])):
                yield _Edge(Derivation(model.path, "history", parent, model.path, declared=False), "history")

    def _changed(self, commit: str) -> set[str]:
        """Return the models that a commit brought in: what says nothing of its file is about one of these."""
        here = self._files(commit)
        parents = self._repo.get(commit, Commit).parents
        before = self._files(parents[0]) if parents else {}
        return {name for name, paths in models_in(here).items() if not same_files(here, before, tuple(paths))}

    def _parent(self, model: ModelTensors, edge: _Edge, checker: Checker) -> VerifiedParent:
        item = edge.derivation
        source = self._source(model, item)
        if isinstance(source, str):
            return _answer(edge, item.source_path, "unchecked", source)
        if is_adapter(model.tensors) and not is_adapter(source.tensors):
            return _answer(edge, source.path, *judge_adapter(check_adapter(model.tensors, source.tensors)))
        if any(are_codes(model.tensors, name) for name in model.tensors):
            return _answer(edge, source.path, "unchecked", "its weights are written as codes")
        checks = () if item.relation in NOT_OF_WEIGHTS else checker.check(model, source)
        found = shares(checks)
        verdict, reason = judge(item.relation, found)
        distance = found.distance if found.compared else None
        return _answer(edge, source.path, verdict, reason, distance=distance, checks=checks)

    def _source(self, model: ModelTensors, item: Derivation) -> ModelTensors | str:
        """The parent's tensors, or why they cannot be had."""
        if not item.source_commit:
            return f"'{item.source_name}' is not in this repository"
        try:
            files = self._files(item.source_commit)
            path = item.source_path
            if not path:
                known = list(models_in(files))
                path = model.path if model.path in known else known[0] if len(known) == 1 else ""
            return read_model(self._repo, files, path) if path else "it does not say which file it came from"
        except (NotFoundError, ValueError) as error:
            return str(error)

    def _sketched(self, model: ModelTensors) -> list[SketchedTensor]:
        return [item for manifest in model.manifests for item in sketched_tensors(self._connection, manifest)]

    def _nearest(
        self,
        commit: str,
        model: ModelTensors,
        sketched: list[SketchedTensor],
        checker: Checker,
        parents: tuple[VerifiedParent, ...],
    ) -> NearestFile | None:
        """Choose the candidates by sketches, from the versions before; compare the best few exactly."""
        before = self._repo.get(commit, Commit).parents[:1]
        if not before:
            return None
        known = {(item.commit, item.path): item.distance for item in parents if item.distance is not None}
        found = []
        for alike in Likenesses(self._connection, History(self._connection, before[0])).find(sketched)[
            :EXACT_CANDIDATES
        ]:
            place = alike.place
            source = read_model(self._repo, self._files(place.commit), place.path)
            distance = known.get((place.commit, source.path))
            if distance is None:
                distance = shares(checker.check(model, source)).distance
            found.append(NearestFile(place.commit, source.path, distance))
        return min(found, key=lambda item: item.distance, default=None)


def _evidence(item: Derivation, *, by_run: bool) -> str:
    if item.declared:
        return "run" if by_run else "declared"
    return "metadata" if item.source_name else "weights"


def _answer(
    edge: _Edge,
    path: str,
    verdict: Verdict,
    reason: str,
    *,
    distance: float | None = None,
    checks: tuple[TensorCheck, ...] = (),
) -> VerifiedParent:
    item = edge.derivation
    return VerifiedParent(
        item.source_commit, path, item.source_name, item.relation, edge.evidence, verdict, reason, distance,
        tallies(checks), checks,
    )  # fmt: skip


def _not_nearest(parents: tuple[VerifiedParent, ...], nearest: NearestFile | None) -> Iterator[str]:
    """Say where a parent that was stated is not the nearest model; of several stated ones the nearest counts."""
    stated = [item for item in parents if item.evidence != "history" and item.distance is not None]
    if nearest is None or not stated:
        return
    best = min(stated, key=lambda item: item.distance or 0.0)
    if nearest.distance < NEARER * (best.distance or 0.0) and (best.commit, best.path) != (
        nearest.commit,
        nearest.path,
    ):
        yield (
            f"'{nearest.path}' of {nearest.commit[:10]} is nearer ({nearest.distance:.3g}) than the stated parent"
            f" '{best.path}' of {best.commit[:10]} ({best.distance:.3g})"
        )
