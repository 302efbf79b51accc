"""Store all versions anew as small as a plan allows that keeps every version quick to get back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.ingest import refresh_storage
from modelhub.errors import InvalidInputError
from modelhub.porcelain.progressive import changed_marks, mark_change, separate_tensors
from modelhub.porcelain.repack_phases import phases
from modelhub.porcelain.storage_plan import plan_storage
from modelhub.porcelain.storage_ways import Way, ways_to_keep
from modelhub.porcelain.stored_tensors import StoredTensor, StoredTensors, stored_tensors
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository
from modelhub.store.prune import settle

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

MAX_RECREATION = 4.0
"""How often the time with every tensor whole a version may take, unless it is said or takes longer now."""

WORTH_IT = 0.995
"""A tensor is only encoded anew where that is expected to take at most this share of what it takes now."""

CLEARLY = 0.99
"""A plan of several phases is only begun where at most this share is expected of what it encodes anew takes now."""

MARKED = -1
"""The step, before all phases, of what a mark asks for."""


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
    `slow_now` and `slow_then` count the versions that take longer than the bound; `within_nbytes` is what a plan takes
    in which none does, None where none does anyway. `progressive` are the versions whose floats keep separate planes.
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
    slow_now: int
    slow_then: int
    within_nbytes: int | None
    solver: str
    solvers: tuple[SolverResult, ...]
    progressive: tuple[str, ...] = ()


def repack(
    repo: Repository,
    *,
    max_recreation: float | None = None,
    progressive: Sequence[str] = (),
    not_progressive: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> RepackResult:
    """Choose anew for each tensor of every version whether it is kept whole or as a delta, and of what.

    A version takes at most `max_recreation` times as long to get back as with every tensor whole, for one that a ref
    names half of the additional time. Where it is given, the store may grow to keep it. By default it is
    MAX_RECREATION, a version that takes longer now may go on to, and the store never grows. Killed at any point it
    loses nothing: a new pack is complete before an old copy goes, and no mixture of copies comes back to itself.

    The revisions and ranges `progressive` are marked, now and for later repacks: their floats are kept whole with
    separate planes, whatever that takes; `not_progressive` lose the mark. Raises InvalidInputError for a bound below 1,
    RefNotFound, VersionForgotten. Cost: minutes for gigabytes; memory some hundred MB.
    """
    bound = MAX_RECREATION if max_recreation is None else max_recreation
    if not bound >= 1:
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
        is_strict = max_recreation is not None
        planned = plan_storage(repo, known, ways, bound=bound, is_strict=is_strict, progress=progress)
        solution = planned.solution
        chosen = [ways[edge] for edge in solution.plan.chosen]
        steps = _steps(known, chosen)
        anew = sum(map(len, steps.values()))
        before = sum(one.info.stored_nbytes for one in known.tensors)
        may_grow = is_strict and planned.slow_now > 0
        done, saved = (anew, 0) if dry_run else _carry_out(repo, known, steps, progress, may_grow=may_grow)
    return RepackResult(
        dry_run=dry_run,
        versions=len(known.versions),
        tensors=len(known.tensors),
        encoded_anew=done,
        before_nbytes=before,
        planned_nbytes=round(planned.storage) if may_grow or MARKED in steps else min(before, round(planned.storage)),
        after_nbytes=before - saved,
        max_recreation=bound,
        slowest=planned.slowest,
        slow_now=planned.slow_now,
        slow_then=planned.slow_then,
        within_nbytes=None if planned.within_nbytes is None else round(planned.within_nbytes),
        solver=solution.solver,
        solvers=tuple(SolverResult(one.solver, one.storage, one.fault) for one in solution.attempts),
        progressive=tuple(sorted(marks)),
    )


def _steps(known: StoredTensors, chosen: Sequence[Way]) -> dict[int, list[Way]]:
    """Return what of a plan is to be done, by its phase, and what a mark asks for as the step before."""
    steps: dict[int, list[Way]] = {}
    for way, phase in zip(chosen, phases([way.bases for way in chosen]), strict=True):
        if not way.is_current or way.nbytes < WORTH_IT * known.tensors[way.tensor].info.stored_nbytes:
            steps.setdefault(MARKED if way.effort == "separate" else phase, []).append(way)
    return steps


def _carry_out(
    repo: Repository, known: StoredTensors, steps: Mapping[int, Sequence[Way]], progress: Progress, *, may_grow: bool
) -> tuple[int, int]:
    """Carry the steps of a plan out; return how many tensors were stored anew, and the bytes saved (below 0: more).

    What a mark asks for comes first and is done whatever it takes. The rest follows in phases. Unless it `may_grow`, it
    is left where it has one and would take as much as before, or several and is not expected to take clearly less: what
    they take together is only known at the end.
    """
    in_phases = len(steps.keys() - {MARKED}) > 1
    if in_phases and not may_grow and not _saves_clearly(known, steps):
        steps = {step: ways for step, ways in steps.items() if step == MARKED}
    progress.start("encoding", sum(known.tensors[way.tensor].info.size for ways in steps.values() for way in ways))
    done = total = 0
    for step, ways in sorted(steps.items()):
        saved = _store_anew(repo, known, ways, progress, may_grow=may_grow or step == MARKED or in_phases)
        if saved is not None:
            done += len(ways)
            total += saved
    if done:
        refresh_storage(repo)
    return done, total


def _saves_clearly(known: StoredTensors, steps: Mapping[int, Sequence[Way]]) -> bool:
    ways = [way for step, members in steps.items() if step != MARKED for way in members]
    return sum(way.nbytes for way in ways) < CLEARLY * sum(known.tensors[way.tensor].info.stored_nbytes for way in ways)


def _store_anew(
    repo: Repository, known: StoredTensors, ways: Sequence[Way], progress: Progress, *, may_grow: bool
) -> int | None:
    """Encode these tensors, put them in the place of what is there, and return the bytes saved, less than 0 for more.

    Where they would take as much as before that is None and nothing done, unless they `may_grow`.
    """
    oids = frozenset(known.tensors[way.tensor].oid for way in ways)
    with repo.store.writer(replacing=oids, effort="small") as writer:
        for way in sorted(ways, key=lambda way: way.tensor):
            _encode(repo, writer, known.tensors[way.tensor], way)
            progress.advance(known.tensors[way.tensor].info.size)
        before = sum(known.tensors[way.tensor].info.stored_nbytes for way in ways)
        saved = before - sum(writer.info(oid).stored_nbytes for oid in oids)
        if saved <= 0 and not may_grow:
            return None
        published = writer.publish(as_pack=True)
    settle(repo.store, prefer=published.pack)
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
