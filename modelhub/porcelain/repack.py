"""Store all versions anew as small as a plan allows that keeps every version quick to get back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.ingest import refresh_storage
from modelhub.errors import InvalidInputError
from modelhub.porcelain.progressive import changed_marks, mark_change, separate_tensors
from modelhub.porcelain.storage_ways import Way, ways_to_keep
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors, stored_tensors
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository
from modelhub.store.object_writer import MAX_DEPTH
from modelhub.store.prune import settle

if TYPE_CHECKING:
    from modelhub.archive.portfolio import Solution
    from modelhub.store.object_writer import ObjectWriter

MAX_RECREATION = 4.0
HOT_SHARE = 0.5
"""Versions that a ref names may take so much of the time more that the others may."""

DELIVERY_SECONDS = 0.1
DELIVERY_SECONDS_A_BYTE = 2.5e-9
"""What a checkout takes besides decoding: starting, hashing and writing the file."""

WORTH_IT = 0.98
"""A tensor is only encoded anew where that is expected to take at most this share of what it takes now."""


@dataclass(frozen=True, slots=True)
class SolverResult:
    """What one solver came to: bytes by its plan, and why the plan is not allowed (None: it is)."""

    solver: str
    nbytes: float
    fault: str | None


@dataclass(frozen=True, slots=True)
class RepackResult:
    """What was done, or with `dry_run` would be. Bytes are those of tensors' entries; `planned` is by estimate.

    `slowest` is the greatest recreation cost of a version, as a multiple of what it costs with every tensor whole.
    `progressive` are the versions whose tensors are kept with separate planes.
    """

    dry_run: bool
    versions: int
    tensors: int
    encoded_anew: int
    before_nbytes: int
    planned_nbytes: int
    after_nbytes: int
    max_recreation: float
    slowest: float
    solver: str
    solvers: tuple[SolverResult, ...]
    progressive: tuple[str, ...]


def repack(
    repo: Repository,
    *,
    max_recreation: float = MAX_RECREATION,
    progressive: Sequence[str] = (),
    not_progressive: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> RepackResult:
    """Choose anew for each tensor of every version whether it is kept whole or as a delta, and of what.

    A version takes at most `max_recreation` times as long to get back as with every tensor whole, for one that a ref
    names half of the additional time. Killed at any point it loses nothing: the new pack is complete before an old copy
    goes, and no mixture of copies comes back to itself. Where it would not become smaller nothing is written.

    The revisions and ranges `progressive` are marked, now and for later repacks: their floats are kept whole with
    separate planes, whatever that takes; `not_progressive` lose the mark. Raises InvalidInputError for a bound below 1,
    RefNotFound, VersionForgotten. Cost: minutes for gigabytes; memory some hundred MB.
    """
    if not max_recreation >= 1:
        raise InvalidInputError(
            "a version cannot be had faster than with every tensor whole", hint="--max-recreation is at least 1"
        )
    change = mark_change(repo, progressive, not_progressive)
    with repo.writing(waiting=waiting):
        if not dry_run:
            settle(repo.store, progress)
        marks = changed_marks(repo, change, dry_run=dry_run)
        known = stored_tensors(repo)
        ways = ways_to_keep(repo, known, separate_tensors(known, marks), progress)
        solution, slowest = _solved(repo, known, ways, max_recreation, progress)
        chosen = [ways[edge] for edge in solution.plan.chosen]
        anew = [way for way in chosen if _is_to_do(way, known.tensors[way.tensor])]
        before = sum(one.info.stored_nbytes for one in known.tensors)
        saved = None if dry_run or not anew else _store_anew(repo, known, anew, progress)
        if saved is not None:
            refresh_storage(repo)
    planned = round(solution.plan.storage)
    return RepackResult(
        dry_run=dry_run,
        versions=len(known.versions),
        tensors=len(known.tensors),
        encoded_anew=len(anew) if dry_run or saved is not None else 0,
        before_nbytes=before,
        planned_nbytes=planned if _is_demanded(anew) else min(before, planned),
        after_nbytes=before - (saved or 0),
        max_recreation=max_recreation,
        slowest=slowest,
        solver=solution.solver,
        solvers=tuple(SolverResult(one.solver, one.storage, one.fault) for one in solution.attempts),
        progressive=tuple(sorted(marks)),
    )


def _solved(
    repo: Repository, known: StoredTensors, ways: Sequence[Way], bound: float, progress: Progress
) -> tuple[Solution, float]:
    """Return the plan, and the greatest share of its whole cost that a version takes under it."""
    from modelhub.archive.graph import Edge, Group, StorageGraph
    from modelhub.archive.portfolio import solve

    edges = tuple(Edge(way.tensor, way.bases, way.nbytes, way.seconds) for way in ways)
    whole = {way.tensor: way.seconds for way in ways if not way.bases}
    held = repo.refs.held()
    groups, costs = [], []
    for commit, members in known.versions.items():
        decoding = sum(whole[member] for member in members)
        nbytes = sum(known.tensors[member].info.size for member in members)
        delivery = DELIVERY_SECONDS + DELIVERY_SECONDS_A_BYTE * nbytes
        factor = 1 + HOT_SHARE * (bound - 1) if commit in held else bound
        groups.append(Group(members, factor * (decoding + delivery) - delivery))
        costs.append((decoding + delivery, delivery))
    graph = StorageGraph(len(known.tensors), edges, tuple(groups))
    solution = solve(graph, max_depth=MAX_DEPTH, progress=progress)
    pairs = zip(solution.plan.group_costs, costs, strict=True)
    slowest = max((((cost + delivery) / all_whole) for cost, (all_whole, delivery) in pairs), default=1.0)
    return solution, slowest


def _is_to_do(way: Way, one: StoredTensor) -> bool:
    return not way.is_current or way.nbytes < WORTH_IT * one.info.stored_nbytes


def _is_demanded(ways: Sequence[Way]) -> bool:
    """Whether some of this is to be done though it saves nothing."""
    return any(way.effort == "separate" for way in ways)


def _store_anew(repo: Repository, known: StoredTensors, ways: Sequence[Way], progress: Progress) -> int | None:
    """Encode these tensors, put them in the place of what is there, and return the bytes saved.

    None, and nothing done, where they would take as much as before and no mark demands it.
    """
    oids = frozenset(known.tensors[way.tensor].oid for way in ways)
    progress.start("encoding", sum(known.tensors[way.tensor].info.size for way in ways))
    with repo.store.writer(replacing=oids, effort="small") as writer:
        for way in sorted(ways, key=lambda way: way.tensor):
            _encode(repo, writer, known.tensors[way.tensor], way)
            progress.advance(known.tensors[way.tensor].info.size)
        before = sum(known.tensors[way.tensor].info.stored_nbytes for way in ways)
        saved = before - sum(writer.info(oid).stored_nbytes for oid in oids)
        if saved <= 0 and not _is_demanded(ways):
            return None
        published = writer.publish(as_pack=True)
    settle(repo.store, progress, prefer=published.pack)
    return saved


def _encode(repo: Repository, writer: ObjectWriter, one: StoredTensor, way: Way) -> None:
    content = repo.store.open(one.oid)

    def read(offset: int, nbytes: int) -> bytes:
        return bytes(content.block(offset // content.block_nbytes))

    bases = [way.named] if way.named else ()
    writer.put_stream(
        one.oid, one.info.size, read, item=one.item, row_items=one.row_items, bases=bases, effort=way.effort
    )


def parse_bound(text: str) -> float:
    """Return the number of '1.6x' or '1.6'; 'inf' is no bound. Raises InvalidInputError."""
    try:
        found = float(text.strip().removesuffix("x"))
    except ValueError:
        found = math.nan
    if not found >= 1:
        raise InvalidInputError(
            f"'{text}' is no bound", hint="say how often the time, at least 1: --max-recreation 1.6x"
        )
    return found
