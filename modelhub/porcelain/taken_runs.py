"""Take runs that have ended into a version, and give them back when the version is taken back."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from modelhub.catalog.ingest import catch_up
from modelhub.errors import InvalidInputError, NotFoundError
from modelhub.porcelain.found_facts import FoundFacts
from modelhub.repository.forgotten import require_remembered
from modelhub.repository.objects import Commit, Derivation, Evaluation, ParamValue, Run, metric_value
from modelhub.repository.reachable import Needs
from modelhub.repository.refs import Refs
from modelhub.repository.repository import Act, Repository
from modelhub.repository.walk import only_from
from modelhub.runs.pending import PendingRun, is_going, list_pending, read_pending
from modelhub.runs.seal import discard, release, seal

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter


class TakenRuns(Struct, frozen=True):
    """The runs that a version takes in, by object id in the order they started; `pending` is where they lay.

    `maker` is the run that made the version, as far as it can be told: the chosen one, or the only one that came to its
    end and is no replay.
    """

    runs: dict[str, Run]
    pending: tuple[PendingRun, ...]
    maker: Run | None

    def params(self) -> dict[str, ParamValue]:
        """The params of the run that made the version."""
        return dict(self.maker.params) if self.maker else {}

    def metrics(self) -> dict[str, float]:
        """The last value of each metric of that run."""
        return {series.name: float(series.last) for series in self.maker.series} if self.maker else {}

    def evaluations(self) -> dict[str, Evaluation]:
        """What that run's metrics were measured on."""
        return dict(self.maker.evaluations) if self.maker else {}

    def warnings(self) -> list[str]:
        """Say where no run's params and metrics became the version's because there are several."""
        runs = makers(self.runs.values())
        if self.maker is not None or len(runs) < 2:
            return []
        return [
            f"{len(runs)} runs have ended: their params and metrics stay theirs ('mh commit --run RUN' makes one's the"
            " version's)"
        ]

    def derivations(self) -> tuple[Derivation, ...]:
        """What the runs were started from."""
        return tuple(dict.fromkeys(item for run in self.runs.values() for item in run.derivations))


def makers(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that came to their end and repeat no other."""
    return [run for run in runs if run.status == "finished" and run.replays is None]


def take_in(repo: Repository, writer: ObjectWriter, chosen: str = "") -> TakenRuns:
    """Put every run that has ended into the writer. For the holder of the writer lock; `settle` follows the commit.

    `chosen` names the run that made the version: its id or the beginning of it, or its name. Raises NotFoundError where
    no run is that one, InvalidInputError where several are.
    """
    ended = tuple(item for item in list_pending(repo.layout) if not is_going(item))
    known = _runs_of_head(repo) if ended else ()  # a commit that was cut short before it let go of them
    sealed = [pair for pair in (seal(repo, writer, item) for item in ended) if pair[0] not in known]
    runs = dict(sorted(sealed, key=lambda pair: (pair[1].started, pair[1].id)))
    if chosen:
        return TakenRuns(runs, ended, _chosen(runs.values(), chosen))
    found = makers(runs.values())
    return TakenRuns(runs, ended, found[0] if len(found) == 1 else None)


def _runs_of_head(repo: Repository) -> tuple[str, ...]:
    head = repo.refs.head_commit
    return () if head is None else repo.get(head, Commit).runs


def _chosen(runs: Iterable[Run], name: str) -> Run:
    found = [run for run in runs if run.id.startswith(name) or run.name == name]
    if not found:
        raise NotFoundError(f"no run that has ended is called '{name}'", hint="'mh status' lists those that wait")
    if len(found) > 1:
        raise InvalidInputError(
            f"'{name}' could be {len(found)} runs: {', '.join(run.id for run in found[:5])}", hint="give the id"
        )
    return found[0]


def settle(repo: Repository, taken: TakenRuns) -> None:
    """Drop the logs of runs that a version now holds. Cut short, the next version takes the same objects in again."""
    for item in taken.pending:
        discard(repo.layout, item)


def with_facts(commit: Commit, found: FoundFacts, taken: TakenRuns, evaluation: Evaluation | None) -> Commit:
    """Return a commit with what was found and taken in beside what was said of it, which wins.

    `evaluation` is what the metrics were measured on that are not a run's.
    """
    metrics = {name: metric_value(value) for name, value in (found.metrics | taken.metrics()).items()} | commit.metrics
    own = metrics.keys() - taken.evaluations().keys() | commit.metrics.keys()
    measured = {} if evaluation is None else dict.fromkeys(sorted(own), evaluation)
    return msgspec.structs.replace(
        commit,
        params=found.params | taken.params() | commit.params,
        metrics=metrics,
        evaluations={name: item for name, item in taken.evaluations().items() if name not in commit.metrics} | measured,
        runs=tuple(taken.runs),
    )


def mark_pending(repo: Repository, needs: Needs, found: set[str]) -> None:
    """Add to `found` what the runs need that no version has taken in yet."""
    for item in list_pending(repo.layout):
        needs.mark_run(read_pending(repo, item), found)
        if item.sealed is not None:
            found.add(item.sealed)


def move_refs(repo: Repository, act: Act, refs: Refs, *, undoes: str | None = None) -> None:
    """Change the refs, and the catalog with them. For the holder of the writer lock.

    Runs of versions that no ref holds then are pending again; those of versions that come back no longer are. Cut
    short between, a run is both pending and in a version, which does no harm. Raises VersionForgotten.
    """
    before = repo.refs
    gone, back = before.held() - refs.held(), refs.held() - before.held()
    require_remembered(repo, refs)
    repo.record(act, refs, prepare=lambda: _give_back(repo, gone, refs.held()), undoes=undoes)
    if list_pending(repo.layout):
        _settle_again(repo, back, before.held())
    catch_up(repo)


def _give_back(repo: Repository, gone: Set[str], kept: Set[str]) -> None:
    for commit in only_from(repo, gone, kept).values() if gone else ():
        for oid in commit.runs:
            release(repo.layout, repo.get(oid, Run).id, oid)


def _settle_again(repo: Repository, back: Set[str], before: Set[str]) -> None:
    taken = {oid for commit in only_from(repo, back, before).values() for oid in commit.runs}
    for item in list_pending(repo.layout):
        if item.sealed in taken:
            discard(repo.layout, item)
