"""Store all versions anew as small as a plan allows that keeps every version quick to get back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelhub.errors import InvalidInputError
from modelhub.porcelain.progressive import changed_marks, mark_change, separate_tensors
from modelhub.porcelain.real_rates import at_real_rates
from modelhub.porcelain.repack_phases import CarriedOut, carry_out
from modelhub.porcelain.storage_plan import PlannedStorage, Speed, plan_storage
from modelhub.porcelain.storage_ways import ways_to_keep
from modelhub.porcelain.stored_tensors import stored_tensors
from modelhub.progress import SILENT, Progress
from modelhub.repository.repository import Repository
from modelhub.store.prune import settle

MAX_RECREATION = 4.0
"""How often the time with every tensor whole a version may take, unless it is said or takes longer now."""


@dataclass(frozen=True, slots=True)
class SolverResult:
    """What one solver came to: bytes by its plan, and why the plan is not allowed (None: it is)."""

    solver: str
    nbytes: float
    fault: str | None


@dataclass(frozen=True, slots=True)
class RepackResult:
    """What was done, or with `dry_run` would be. Bytes are those of tensors' entries; `planned` is by estimate.

    A plan that would make the store larger after all is not carried out: then all but `planned_nbytes` and the solvers
    tells of what is left as it was. `slowest` is the greatest recreation cost of a version, as a multiple of what it
    costs with every tensor whole. `slow_now` and `slow_then` count the versions that take longer than the bound;
    `within_nbytes` is what a plan takes in which none does, None where none does anyway. `progressive` are the versions
    whose floats keep separate planes.
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
    MAX_RECREATION, a version that takes longer now may go on to, and the store never grows: all is encoded before
    anything is published, and dropped where it would not be smaller on disk. Killed at any point it loses nothing: a
    new pack is complete before an old copy goes, and no mixture of copies comes back to itself; it may leave the store
    larger, which the next one mends.

    The revisions and ranges `progressive` are marked, now and for later repacks: their floats are kept whole with
    separate planes, whatever that takes; `not_progressive` lose the mark. Raises InvalidInputError for a bound below 1,
    RefNotFound, VersionForgotten. Cost: minutes for gigabytes; memory some hundred MB; on the disk, meanwhile, room for
    the new copies beside all that is there, and for the largest pack once more.
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
        ways = at_real_rates(repo, known, ways_to_keep(repo, known, separate_tensors(known, marks), progress))
        is_strict = max_recreation is not None
        planned = plan_storage(repo, known, ways, bound=bound, is_strict=is_strict, progress=progress)
        solution = planned.solution
        chosen = [ways[edge] for edge in solution.plan.chosen]
        anew = [way for way in chosen if not way.is_current]
        may_grow = is_strict and planned.slow_now > 0
        done = CarriedOut(frozenset(way.tensor for way in anew))
        if not dry_run:
            done = carry_out(repo, known, chosen, progress, may_grow=may_grow)
    before = sum(one.info.stored_nbytes for one in known.tensors)
    most = math.inf if may_grow or any(way.effort == "separate" for way in anew) else before
    speed = planned.speed(done.tensors)
    return RepackResult(
        dry_run=dry_run,
        versions=len(known.versions),
        tensors=len(known.tensors),
        encoded_anew=len(done.tensors),
        before_nbytes=before,
        planned_nbytes=round(min(planned.storage, most)),
        after_nbytes=before - done.saved_nbytes,
        max_recreation=bound,
        slowest=speed.slowest,
        slow_now=planned.slow_now,
        slow_then=speed.slow,
        within_nbytes=_within_nbytes(planned, speed, is_strict=is_strict),
        solver=solution.solver,
        solvers=tuple(SolverResult(one.solver, one.storage, one.fault) for one in solution.attempts),
        progressive=tuple(sorted(marks)),
    )


def _within_nbytes(planned: PlannedStorage, speed: Speed, *, is_strict: bool) -> int | None:
    """Return what a plan takes in which no version is over the bound, where some are; the plan itself may be that one,
    not carried out since it saves nothing."""
    if is_strict or not speed.slow:
        return None
    return round(planned.storage if planned.within_nbytes is None else planned.within_nbytes)


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
