"""Store all versions anew as small as a plan allows that keeps every version quick to get back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.ingest import refresh_storage
from modelhub.errors import InvalidInputError
from modelhub.porcelain.repack_phases import phases
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

DELIVERY_SECONDS = 0.2
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


def repack(
    repo: Repository,
    *,
    max_recreation: float = MAX_RECREATION,
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> RepackResult:
    """Choose anew for each tensor of every version whether it is kept whole or as a delta, and of what.

    A version takes at most `max_recreation` times as long to get back as with every tensor whole, for one that a ref
    names half of the additional time. Killed at any point it loses nothing: a new pack is complete before an old copy
    goes, and no mixture of copies comes back to itself. Where it would not become smaller nothing is written. Raises
    InvalidInputError for a bound below 1. Cost: minutes for gigabytes; memory some hundred MB.
    """
    if not max_recreation >= 1:
        raise InvalidInputError(
            "a version cannot be had faster than with every tensor whole", hint="--max-recreation is at least 1"
        )
    with repo.writing(waiting=waiting):
        if not dry_run:
            settle(repo.store, progress)
        known = stored_tensors(repo)
        ways = ways_to_keep(repo, known, progress)
        solution, slowest = _solved(repo, known, ways, max_recreation, progress)
        chosen = [ways[edge] for edge in solution.plan.chosen]
        before = sum(one.info.stored_nbytes for one in known.tensors)
        anew = [way for way in chosen if _is_to_do(way, known.tensors[way.tensor])]
        after = before if dry_run or not anew else before - _store_anew(repo, known, chosen, progress)
        if after != before:
            refresh_storage(repo)
    return RepackResult(
        dry_run=dry_run,
        versions=len(known.versions),
        tensors=len(known.tensors),
        encoded_anew=len(anew) if dry_run or after != before else 0,
        before_nbytes=before,
        planned_nbytes=min(before, round(solution.plan.storage)),
        after_nbytes=after,
        max_recreation=max_recreation,
        slowest=slowest,
        solver=solution.solver,
        solvers=tuple(SolverResult(one.solver, one.storage, one.fault) for one in solution.attempts),
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


def _store_anew(repo: Repository, known: StoredTensors, chosen: Sequence[Way], progress: Progress) -> int:
    """Carry a plan out, one phase after the other, and return the bytes saved.

    Where it has one phase and all would take as much as before, that is 0 and nothing done; so it is where a plan of
    several is not expected to save: what they take together is only known at the end.
    """
    by_phase: dict[int, list[Way]] = {}
    for way, phase in zip(chosen, phases([way.bases for way in chosen]), strict=True):
        if _is_to_do(way, known.tensors[way.tensor]):
            by_phase.setdefault(phase, []).append(way)
    expected = sum(way.nbytes for way in chosen)
    if len(by_phase) > 1 and expected > WORTH_IT * sum(one.info.stored_nbytes for one in known.tensors):
        return 0
    progress.start("encoding", sum(known.tensors[way.tensor].info.size for ways in by_phase.values() for way in ways))
    saved = 0
    for _, ways in sorted(by_phase.items()):
        saved += _store_phase(repo, known, ways, progress, is_only=len(by_phase) == 1)
    return saved


def _store_phase(
    repo: Repository, known: StoredTensors, ways: Sequence[Way], progress: Progress, *, is_only: bool
) -> int:
    """Encode these tensors, put them in the place of what is there, and return the bytes saved, less than 0 for more.

    Where `is_only` that is at least 0: what saves nothing is dropped.
    """
    oids = frozenset(known.tensors[way.tensor].oid for way in ways)
    with repo.store.writer(replacing=oids, effort="small") as writer:
        for way in sorted(ways, key=lambda way: way.tensor):
            _encode(repo, writer, known.tensors[way.tensor], way)
            progress.advance(known.tensors[way.tensor].info.size)
        before = sum(known.tensors[way.tensor].info.stored_nbytes for way in ways)
        saved = before - sum(writer.info(oid).stored_nbytes for oid in oids)
        if saved <= 0 and is_only:
            return 0
        published = writer.publish(as_pack=True)
    settle(repo.store, prefer=published.pack)
    return saved


def _encode(repo: Repository, writer: ObjectWriter, one: StoredTensor, way: Way) -> None:
    content = repo.store.open(one.oid)

    def read(offset: int, nbytes: int) -> bytes:
        return bytes(content.block(offset // content.block_nbytes))

    writer.put_stream(
        one.oid, one.info.size, read, item=one.item, row_items=one.row_items, bases=[way.named] if way.named else ()
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
