"""Begin a run: the folder, the code and the inputs are hashed and stored before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

from modelhub.errors import InvalidInputError
from modelhub.porcelain.commit_facts import RELATIONS, DeriveSpec
from modelhub.porcelain.environment import environment, packages
from modelhub.porcelain.git import code_state
from modelhub.porcelain.places import version_place
from modelhub.porcelain.recording import Recorder
from modelhub.progress import SILENT, Progress
from modelhub.repository.layout import FORMAT, check_format
from modelhub.repository.objects import Commit, Derivation, Entry, Goal, ParamValue, Usage
from modelhub.repository.repository import Act, Repository
from modelhub.repository.revision import Place
from modelhub.repository.trees import Files, find_entry, read_files, write_tree
from modelhub.runs.live import LiveRun, new_run_id
from modelhub.runs.liveness import this_process
from modelhub.runs.notes import Start
from modelhub.tracking.interpreter import Interpreter
from modelhub.tracking.run_files import RunFiles
from modelhub.tracking.values import check_name
from modelhub.tracking.version_files import version_usage

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

FOLDER_KEY = "folder"
"""In a run's environment: the folder below the top that it was started in, where it was not the top."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What is said of a run before it begins.

    `inputs` are paths or REV:PATH. `tree` and `head` are given for a replay, whose folder holds that tree; otherwise
    the folder is recorded, unless `snapshot` is False. `interpreter` is the command's Python where it is not our own.
    """

    name: str = ""
    command: tuple[str, ...] = ()
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    goals: Mapping[str, Goal] = field(default_factory=dict)
    sources: tuple[DeriveSpec, ...] = ()
    inputs: tuple[str, ...] = ()
    snapshot: bool = True
    tree: str | None = None
    head: str | None = None
    replays: str | None = None
    interpreter: Interpreter | None = None


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run that goes on, its folder's files, and what a person should know of what could not be recorded."""

    live: LiveRun
    files: RunFiles
    clock: Clock
    warnings: tuple[str, ...]


class Clock:
    """The time of an act, which went on since: never back, whatever is done to the system's clock."""

    def __init__(self, act: Act) -> None:
        self._start = act.time
        self._begin_ns = monotonic_ns()

    def now(self) -> int:
        """Return unix milliseconds."""
        return self._start + (monotonic_ns() - self._begin_ns) // 1_000_000


def begin_run(
    repository: Repository,
    act: Act,
    spec: RunSpec,
    *,
    here: Path,
    root: Path | None = None,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> BegunRun:
    """Record where a run starts from, then begin it; all is durable when this returns.

    `here` is the folder that it is started in, `root` what stands for the repository's folder in a replay. The
    staging index is left alone. Raises StateError where the repository cannot be written.
    """
    clock = Clock(act)
    root = repository.layout.root if root is None else root
    with repository.writing(waiting=waiting), repository.store.writer() as writer:
        if check_format(repository.layout) < FORMAT:
            repository.write_format()
        places = [source_place(repository, source) for source in spec.sources]
        tree, known, warnings = _snapshot(repository, spec, writer, progress)
        head = spec.head if spec.replays else repository.refs.head_commit
        files = RunFiles(repository, root, known, places, head)
        git = code_state(root)
        python = spec.interpreter
        start = Start(
            id=new_run_id(),
            name=spec.name,
            author=act.author,
            time=clock.now(),
            offset=act.offset,
            owner=this_process(),
            command=spec.command,
            params=dict(spec.params),
            tags=dict(spec.tags),
            goals=dict(spec.goals),
            inputs=tuple(_input(files, here, text, writer) for text in spec.inputs),
            derivations=tuple(derivation(source, place) for source, place in zip(spec.sources, places, strict=True)),
            head=head,
            tree=tree,
            code=None if git is None else git.record(writer),
            environment=environment() | _folder(files, here) | ({} if python is None else {"python": python.version}),
            packages=writer.put(packages(None if python is None else python.folders)),
            replays=spec.replays,
        )
        writer.publish()
        live = LiveRun.begin(repository.layout, start)
    problem = None if git is None else git.problem
    return BegunRun(live, files, clock, warnings if problem is None else (*warnings, problem))


def source_place(repository: Repository, source: DeriveSpec) -> Place:
    """Return what a run is made from. Raises RefNotFound, PathNotFound, InvalidInputError for a wrong relation."""
    _check_relation(source)
    place = version_place(repository, source.source)
    if place.path:
        find_entry(repository, repository.get(place.commit, Commit).tree, place.path)
    return place


def derivation(source: DeriveSpec, place: Place) -> Derivation:
    """Return how what the run makes comes from the place; which file that is, the version that takes it in knows."""
    return Derivation("", source.relation, place.commit, place.path or "")


def outside_derivation(source: DeriveSpec) -> Derivation:
    """Return how what a run makes comes from something that is in no version. Raises InvalidInputError."""
    _check_relation(source)
    name = check_name(source.source, "model")
    return Derivation("", source.relation, "", "", source_name=name)


def _check_relation(source: DeriveSpec) -> None:
    if source.relation not in RELATIONS:
        raise InvalidInputError(f"'{source.relation}' is no relation", hint="one of: " + ", ".join(RELATIONS))


def _snapshot(
    repository: Repository, spec: RunSpec, writer: ObjectWriter, progress: Progress
) -> tuple[str | None, Files, tuple[str, ...]]:
    """Return the folder's tree, its files, and warnings."""
    if spec.tree is not None:
        return spec.tree, read_files(repository, spec.tree), ()
    if not spec.snapshot:
        return None, {}, ()
    recorded = Recorder(repository, writer, progress).record(None)
    files = {path: Entry(entry.mode, entry.oid, entry.size, entry.manifest) for path, entry in recorded.entries.items()}
    return write_tree(writer, files), files, recorded.warnings


def _input(files: RunFiles, here: Path, text: str, writer: ObjectWriter) -> Usage:
    place = here / text
    if not place.exists() and ":" in text:
        return version_usage(files.repository, text)
    return files.input_usage(place, writer, just_begun=True)


def _folder(files: RunFiles, here: Path) -> dict[str, str]:
    folder = files.inside(here)
    return {} if folder is None else {FOLDER_KEY: folder}
