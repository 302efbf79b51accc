"""Keep the best versions by a metric and forget the others: their weights are gc's then, their history stays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelhub.catalog.differences import fill_differences
from modelhub.errors import InvalidInputError, StateError
from modelhub.porcelain.best import RankedVersion, best
from modelhub.porcelain.forgetting import mark_forgotten
from modelhub.porcelain.named_versions import named_versions
from modelhub.porcelain.what_if import freed_by
from modelhub.progress import SILENT, Progress
from modelhub.repository.forgotten import forgotten_versions
from modelhub.repository.reachable import current_commits
from modelhub.repository.repository import Act, Repository


@dataclass(frozen=True, slots=True)
class KeepRule:
    """Which versions stay: the `count` best by a metric and the `newest` newest; `data`, `across_data` as in `best`."""

    metric: str
    count: int
    lowest: bool = False
    newest: int = 0
    data: str | None = None
    across_data: bool = False


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A version that stays, and why: `best`, `newest`, or the names of the refs at it."""

    commit: str
    value: float
    summary: str
    time: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgottenVersion:
    """A version whose weights would be given up, or were."""

    commit: str
    value: float
    summary: str
    time: int


@dataclass(frozen=True, slots=True)
class KeepResult:
    """Which of the versions that have the metric stay and which are forgotten, best first in both.

    `freed_nbytes` is what gc frees once the grace is over, in `freed_objects` entries of the store, and `bases_nbytes`
    what stays as bases of deltas (see `WhatIf`). `unmeasured` counts the versions that have no value, and so stay;
    `before` those that were forgotten already.
    """

    metric: str
    lowest: bool
    kept: tuple[KeptVersion, ...]
    forgotten: tuple[ForgottenVersion, ...]
    freed_nbytes: int
    freed_objects: int
    bases_nbytes: int
    unmeasured: int
    before: int
    marked: bool = False


def plan_keep(
    repo: Repository, *, rule: KeepRule, now: int, revisions: Sequence[str] = (), home: Path | None = None
) -> KeepResult:
    """Say which versions would stay and which be forgotten; changes nothing.

    `revisions` are the versions and ranges `A..B` to choose among, else all that refs hold. Of those with a value the
    best and the newest stay that the rule says, and all that HEAD, a branch or a tag names. `now` is unix milliseconds
    UTC. Raises as `best`.
    """
    if rule.count < 1 or rule.newest < 0:
        raise InvalidInputError("at least one version must be kept", hint="mh keep --best 3 --by METRIC")
    ranked = best(
        repo, metric=rule.metric, lowest=rule.lowest, limit=sys.maxsize, data=rule.data, across_data=rule.across_data
    ).versions
    among = frozenset(named_versions(repo, revisions).commits if revisions else current_commits(repo))
    marks = forgotten_versions(repo).keys()
    judged = [version for version in ranked if version.commit in among and version.commit not in marks]
    reasons = _reasons(repo, judged, rule.count, rule.newest)
    dropped = [version for version in judged if not reasons[version.commit]]
    freed = freed_by(repo, [version.commit for version in dropped], now=now, home=home)
    return KeepResult(
        rule.metric,
        rule.lowest,
        tuple(
            KeptVersion(one.commit, one.value, one.summary, one.time, reasons[one.commit])
            for one in judged
            if reasons[one.commit]
        ),
        tuple(ForgottenVersion(one.commit, one.value, one.summary, one.time) for one in dropped),
        freed.freed_nbytes,
        len(freed.objects),
        freed.bases_nbytes,
        unmeasured=len(among - {version.commit for version in ranked} - marks),
        before=len(among & marks),
    )


def keep(
    repo: Repository,
    plan: KeepResult,
    *,
    act: Act,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> KeepResult:
    """Mark the versions of a plan as forgotten, in one operation that 'mh undo' takes back until gc has deleted.

    Before that what is known only from the weights, how far each tensor moved, goes into the catalog. Raises StateError
    where a ref has come to name one of them since.
    """
    if not plan.forgotten:
        return plan
    fill_differences(repo, progress=progress)
    wanted = [version.commit for version in plan.forgotten]
    with repo.writing(waiting=waiting):
        gone = [commit for commit in wanted if repo.kind_of(commit) != "commit"]
        if gone:
            raise StateError(f"version {gone[0][:10]} is gone meanwhile", hint="look again: mh keep")
        mark_forgotten(repo, act, wanted)
    return replace(plan, marked=True)


def _reasons(repo: Repository, judged: Sequence[RankedVersion], count: int, newest: int) -> dict[str, tuple[str, ...]]:
    """Return why each version stays; nothing where it does not."""
    refs = repo.refs
    latest = sorted(judged, key=lambda version: (version.time, version.commit), reverse=True)[:newest]
    found: dict[str, list[str]] = {version.commit: [] for version in judged}
    for version in judged[:count]:
        found[version.commit].append("best")
    for version in latest:
        found[version.commit].append("newest")
    for commit in refs.held() & found.keys():
        found[commit] += refs.names_of(commit) or ["HEAD"]
    return {commit: tuple(why) for commit, why in found.items()}
