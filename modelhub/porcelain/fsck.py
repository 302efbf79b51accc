"""Check a repository and say exactly what a damage touches."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from modelhub.catalog.ingest import check_catalog, rebuild
from modelhub.errors import FormatError, ModelHubError, ObjectNotFound
from modelhub.porcelain.healing import heal
from modelhub.porcelain.taken_runs import mark_pending
from modelhub.progress import SILENT, Progress
from modelhub.repository.content import read_manifest
from modelhub.repository.forgotten import forgotten_in, forgotten_versions
from modelhub.repository.index import read_index
from modelhub.repository.objects import Commit, Entry, Operation, TensorSegment
from modelhub.repository.progressive import read_progressive
from modelhub.repository.reachable import Needs, current_commits, mark_versions, with_bases
from modelhub.repository.repository import Repository
from modelhub.repository.status import load_index
from modelhub.repository.trees import read_files
from modelhub.runs.pending import damaged_runs, torn_runs


@dataclass(frozen=True, slots=True)
class Problem:
    """One damage: where it lies, what is wrong, and which commits, files (`commit:path`) and tensors it touches."""

    place: str
    problem: str
    oid: str | None = None
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FsckResult:
    """What was checked and what was found. `repaired` says what is well again.

    `remarks` name what is no damage to anything recorded: logs of ended runs that break off, as after a power cut.
    """

    objects: int
    stored_nbytes: int
    problems: tuple[Problem, ...]
    repaired: tuple[str, ...]
    remarks: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is damaged, or all of it was repaired."""
        return not self.problems


def fsck(repo: Repository, *, full: bool = False, repair: bool = False, progress: Progress = SILENT) -> FsckResult:
    """Check every stored byte against its checksum, with `full` decode and hash everything; then the history.

    `repair` mends what can be made anew: the pointer, the index and the catalog from the objects, and objects from
    files in the folder that hold exactly what was recorded. Never raises for damage.
    """
    result = _examine(repo, full=full, repair=repair, progress=progress)
    lost = {problem.oid for problem in result.problems if problem.oid is not None}
    if not (repair and lost):
        return result
    healed = heal(repo, lost)
    if not healed:
        return result
    again = _examine(repo, full=full, repair=repair, progress=progress)
    plural = "" if len(healed) == 1 else "s"
    return replace(again, repaired=(*result.repaired, f"{len(healed)} object{plural} (from files in the folder)"))


def _examine(repo: Repository, *, full: bool, repair: bool, progress: Progress) -> FsckResult:
    repaired: list[str] = []
    problems = list(_pointer_problems(repo, repaired, repair=repair))
    damaged = list(repo.store.check(full=full, progress=progress))
    by_oid = {damage.oid: damage for damage in damaged if damage.oid is not None}
    if problems:
        problems += [Problem(damage.place, damage.problem, damage.oid) for damage in damaged]
    else:
        problems += [Problem(damage.place, damage.problem) for damage in damaged if damage.oid is None]
        missing = _missing(repo, by_oid.keys())
        touched = _Touched(repo, set(by_oid) | set(missing))
        problems += [touched.problem(oid, damage.place, damage.problem) for oid, damage in by_oid.items()]
        problems += [touched.problem(oid, "", text) for oid, text in missing.items()]
        problems += _chain_problems(repo)
        problems += [
            Problem(f".mh/runs/{run}", f"the log of this run cannot be read: {text}")
            for run, text in damaged_runs(repo.layout).items()
        ]
        problems += _progressive_problems(repo)
        problems += _index_problems(repo, repaired, repair=repair)
        problems += _catalog_problems(repo, repaired, repair=repair)
    sizes = _sound_sizes(repo, by_oid.keys())
    remarks = tuple(Problem(f".mh/runs/{run}", text) for run, text in torn_runs(repo.layout).items())
    return FsckResult(len(sizes), sum(sizes), tuple(problems), tuple(repaired), remarks)


def _sound_sizes(repo: Repository, damaged: Collection[str]) -> list[int]:
    sizes = []
    for oid in repo.store.ids():
        with contextlib.suppress(ModelHubError):
            if oid not in damaged:
                sizes.append(repo.store.info(oid).stored_nbytes)
    return sizes


def _pointer_problems(repo: Repository, repaired: list[str], *, repair: bool) -> Iterator[Problem]:
    """Without the newest operation nothing is known of the refs, and so of the history."""
    try:
        repo.operation()
    except (FormatError, ObjectNotFound) as error:
        if repair and _restore_pointer(repo):
            repaired.append("the pointer to the newest operation")
        else:
            yield Problem(".mh/head", error.message)


def _chain_problems(repo: Repository) -> Iterator[Problem]:
    try:
        for _, operation in repo.operations():
            forgotten_in(repo, operation.forgotten)
    except (FormatError, ObjectNotFound) as error:
        yield Problem(".mh/head", f"the record of operations is cut short: {error.message}")


def _progressive_problems(repo: Repository) -> Iterator[Problem]:
    try:
        read_progressive(repo.layout)
    except FormatError as error:
        yield Problem(".mh/progressive", f"{error.message}; {error.hint}")


def _restore_pointer(repo: Repository) -> bool:
    """Point at the newest operation that can be read; of equal numbers, at the later one (a crash leaves such)."""
    with repo.writing():
        found = []
        for oid in repo.store.ids():
            try:
                if repo.store.info(oid).kind == "operation":
                    operation = repo.get(oid, Operation)
                    found.append((operation.sequence, operation.time, oid))
            except ModelHubError:
                continue
        if not found:
            return False
        sequence, _, oid = max(found)
        repo.point_at(oid, sequence)
        return True


def _missing(repo: Repository, known: Collection[str | None]) -> dict[str, str]:
    """Return the objects that the history and the index need and the store lacks."""
    needs = Needs(repo)
    wanted: set[str] = set()
    bones = mark_versions(needs, current_commits(repo), _forgotten(repo), wanted)
    try:
        for entry in load_index(repo).entries.values():
            wanted.update(needs.of_file(entry))
    except FormatError:
        pass
    mark_pending(repo, needs, wanted)
    whole = with_bases(repo, wanted | bones, needs.broken)
    absent = {oid: "it is missing" for oid in whole if not repo.store.contains(oid)}
    broken = {oid: text for oid, text in needs.broken.items() if oid not in known}
    return broken | absent


def _forgotten(repo: Repository) -> Collection[str]:
    """Return the versions that may lack their weights; a damaged list is reported with the operations."""
    try:
        return forgotten_versions(repo).keys()
    except (FormatError, ObjectNotFound):
        return ()


class _Touched:
    """Finds what damaged objects touch: every object whose delta chain passes through one counts as damaged.

    Cost: the history is read once, however many objects are damaged.
    """

    def __init__(self, repo: Repository, damaged: set[str]) -> None:
        self._repo = repo
        self._damaged = damaged
        self._needs = Needs(repo)
        self._bases: dict[str, tuple[str, ...]] = {}
        self._hits: dict[str, frozenset[str]] = {}
        self._in_file: dict[Entry, dict[str, list[str]]] = {}
        self._commits: dict[str, list[str]] = {}
        self._files: dict[str, list[str]] = {}
        self._tensors: dict[str, list[str]] = {}
        for oid, commit in (current_commits(repo) if damaged else {}).items():
            self._take_in(oid, commit)

    def problem(self, oid: str, place: str, text: str) -> Problem:
        """Say what this one object's damage touches."""
        touched = (tuple(found.get(oid, ())) for found in (self._commits, self._files, self._tensors))
        return Problem(place or f"object {oid[:12]}", text, oid, *touched)

    def _take_in(self, oid: str, commit: Commit) -> None:
        for hit in frozenset[str]().union(*map(self._hits_of, self._needs.of_commit(oid))):
            self._commits.setdefault(hit, []).append(oid)
        try:
            listed = read_files(self._repo, commit.tree)
        except ModelHubError:
            return
        for path, entry in listed.items():
            place = f"{oid[:10]}:{path}"
            for hit, names in self._hits_in(entry).items():
                self._files.setdefault(hit, []).append(place)
                self._tensors.setdefault(hit, []).extend(f"{place}:{name}" for name in names)

    def _hits_of(self, oid: str) -> frozenset[str]:
        """The damaged objects in an object's chain."""
        if oid not in self._hits:
            self._hits[oid] = frozenset(with_bases(self._repo, [oid], {}, self._bases) & self._damaged)
        return self._hits[oid]

    def _hits_in(self, entry: Entry) -> dict[str, list[str]]:
        """The damaged objects a file needs, each with the names of the tensors that need it."""
        if entry not in self._in_file:
            found: dict[str, list[str]] = {hit: [] for oid in self._needs.of_file(entry) for hit in self._hits_of(oid)}
            for segment in self._tensors_of(entry) if found else ():
                for hit in self._hits_of(segment.oid):
                    found.setdefault(hit, []).append(segment.name)
            self._in_file[entry] = found
        return self._in_file[entry]

    def _tensors_of(self, entry: Entry) -> list[TensorSegment]:
        try:
            manifest = read_manifest(self._repo, entry)
        except ModelHubError:
            return []
        return [] if manifest is None else manifest.tensors()


def _index_problems(repo: Repository, repaired: list[str], *, repair: bool) -> Iterator[Problem]:
    try:
        read_index(repo.layout)
    except FormatError as error:
        if not repair:
            yield Problem(".mh/index", error.message)
            return
        from modelhub.porcelain.reset import reset_index

        with repo.writing():
            reset_index(repo)
        repaired.append("the staging index (from the last commit)")


def _catalog_problems(repo: Repository, repaired: list[str], *, repair: bool) -> Iterator[Problem]:
    complaint = check_catalog(repo)
    if complaint is None:
        return
    if repair:
        with repo.writing():
            rebuild(repo)
        repaired.append("the catalog (made anew)")
    else:
        yield Problem(".mh/catalog.db", complaint)
