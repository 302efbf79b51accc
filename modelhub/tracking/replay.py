"""Run a recorded command again, from the folder as it was, and compare what comes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from modelhub.errors import ModelHubError, StateError
from modelhub.files import WorkFolder, make_folders, temporary_folder
from modelhub.porcelain.find_run import find_run
from modelhub.progress import SILENT, Progress
from modelhub.repository.names import check_path
from modelhub.repository.objects import Run, RunStatus, Usage
from modelhub.repository.repository import Act, Repository
from modelhub.repository.trees import read_files
from modelhub.runs.pending import pending_points
from modelhub.tracking.beginning import FOLDER_KEY, RunSpec
from modelhub.tracking.command_run import Outside, Surroundings, command_run
from modelhub.tracking.finding import find_pending
from modelhub.tracking.hashing import hash_place
from modelhub.tracking.replay_comparison import (
    MetricComparison,
    OutputComparison,
    SettingComparison,
    compare_metrics,
    compare_outputs,
    compare_settings,
    parse_packages,
)
from modelhub.tracking.version_files import write_files

PATH_VARIABLES = ("PWD", "PYTHONPATH")


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How a run went the second time. `run` is the one replayed, `replay` the new one.

    `environment` and `packages` list what is not as it was then. `folder` is where it ran, where that was kept.
    """

    run: str
    replay: str
    status: RunStatus
    exit_code: int
    exit_code_before: int | None
    duration_ms: int
    outputs: tuple[OutputComparison, ...]
    metrics: tuple[MetricComparison, ...]
    environment: tuple[SettingComparison, ...]
    packages: tuple[SettingComparison, ...]
    folder: str | None
    warnings: tuple[str, ...]
    not_started: str | None = None

    @property
    def identical(self) -> bool:
        """Every output, every metric and the exit code are as they were."""
        verdicts = [item.verdict for item in self.outputs] + [item.verdict for item in self.metrics]
        return self.exit_code == (self.exit_code_before or 0) and all(item == "identical" for item in verdicts)


def replay(
    repository: Repository,
    *,
    act: Act,
    run: str,
    outside: Outside,
    keep: Path | None = None,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> ReplayResult:
    """Run a recorded command in a clean folder that holds what the run started from, and compare outputs and metrics.

    The replay is a run itself. Its folder is temporary, or `keep`. Raises StateError for a run that cannot be replayed,
    or whose inputs from outside have changed.
    """
    found = find_run(repository, run)
    _check_replayable(found.run)
    loose = [usage for usage in found.run.inputs if not usage.kept]
    _check_inputs(repository, loose)
    with _folder(keep) as (root, scratch):
        _fill(repository, found.run, loose, root, scratch)
        here = root / found.run.environment.get(FOLDER_KEY, "")
        result = command_run(
            repository,
            act=act,
            spec=_spec(repository, found.run, root, here),
            outputs=[str(root / path) for path in _declared(found.run)],
            surroundings=Surroundings(root, here, _moved_outside(outside, repository.layout.root, root, here)),
            progress=progress,
            waiting=waiting,
        )
    again = find_pending(repository, result.run)
    return ReplayResult(
        run=found.run.id,
        replay=result.run,
        status=result.status,
        exit_code=result.exit_code,
        exit_code_before=found.run.exit_code,
        duration_ms=result.duration_ms,
        outputs=compare_outputs(repository, found.run, again),
        metrics=compare_metrics(found.points(repository), pending_points(repository, again.id)),
        environment=compare_settings(found.run.environment, again.environment),
        packages=compare_settings(_packages(repository, found.run), _packages(repository, again)),
        folder=None if keep is None else str(root),
        warnings=result.warnings,
        not_started=result.not_started,
    )


def why_not_replayable(run: Run) -> str | None:
    """Return why a run cannot be replayed, None where it can."""
    if run.origin:
        return f"it was imported from {run.origin}: neither its command nor its folder was recorded here"
    if not run.command:
        return "it was not started by a command, as in a notebook or an interactive session"
    if run.tree is None:
        return "the folder was not recorded when it started (no snapshot)"
    if run.status == "running":
        return "it is still going on"
    return None


def _check_replayable(run: Run) -> None:
    inside = [usage.path for usage in (*run.inputs, *run.outputs) if not os.path.isabs(usage.path)]
    for path in (*inside, run.environment.get(FOLDER_KEY, "")):
        if path:
            check_path(path)
    reason = why_not_replayable(run)
    if reason is not None:
        raise StateError(
            f"the run {run.id} cannot be replayed: {reason}",
            hint="'mh run -- CMD' and 'python SCRIPT' in the folder make runs that can",
        )


def _check_inputs(repository: Repository, loose: Sequence[Usage]) -> None:
    """Check that what the run read and nobody kept is as it was."""
    changed = []
    for usage in loose:
        try:
            now: str | None = hash_place(_original(repository, usage), usage.path).oid
        except ModelHubError:
            now = None
        if now != usage.oid:
            changed.append(f"'{usage.path}' {'has changed' if now else 'is gone'}")
    if changed:
        raise StateError(
            f"the run had inputs that are not kept: {', '.join(changed[:5])}",
            hint="bring them back as they were: their hashes are in 'mh runs RUN'",
        )


def _original(repository: Repository, usage: Usage) -> Path:
    return repository.layout.root / usage.path


@contextmanager
def _folder(keep: Path | None) -> Iterator[tuple[Path, Path]]:
    """Give an empty folder for the replay, and one for files under construction."""
    with temporary_folder("mh-replay-") as place:
        scratch, root = place / "scratch", place / "folder"
        make_folders(scratch)
        if keep is not None:
            if os.path.lexists(keep) and not (keep.is_dir() and not os.listdir(keep)):
                raise StateError(f"'{keep}' is not empty", hint="name a folder that is not there yet")
            root = keep
        make_folders(root)
        yield root.resolve(), scratch


def _fill(repository: Repository, run: Run, loose: Sequence[Usage], root: Path, scratch: Path) -> None:
    """Write the tree the run started from, verified; inputs that were not kept are linked to."""
    write_files(repository, read_files(repository, run.tree), root, scratch)
    work = WorkFolder(root, scratch)
    for usage in loose:
        if not os.path.isabs(usage.path) and not os.path.lexists(root / usage.path):
            work.write_link(usage.path, str(_original(repository, usage).resolve()))
    make_folders(root / run.environment.get(FOLDER_KEY, ""))


def _spec(repository: Repository, run: Run, root: Path, here: Path) -> RunSpec:
    return RunSpec(
        name=f"replay of {run.name or run.id}",
        command=_moved_command(run.command, repository.layout.root, root, here),
        params=run.params,
        tags=run.tags,
        goals=run.goals,
        inputs=tuple(usage.path for usage in run.inputs if not usage.kept and os.path.isabs(usage.path)),
        tree=run.tree,
        head=run.head,
        replays=run.id,
    )


def _declared(run: Run) -> list[str]:
    """Return the outputs that may have to be recorded for the command: a step is known to scripts only."""
    return list(
        dict.fromkeys(usage.path for usage in run.outputs if usage.step is None and not os.path.isabs(usage.path))
    )


def _moved_command(command: Sequence[str], top: Path, root: Path, here: Path) -> tuple[str, ...]:
    """Return the command with paths into the repository's folder led to the replay's.

    A program of the folder that versions leave out, such as one of a virtual environment, stays where it is.
    """
    words = [_moved(word, top, root) for word in command]
    program = command[0]
    original = top / os.path.relpath(here / program, root)
    if "/" in program and not os.path.exists(here / words[0]):
        words[0] = program if os.path.isabs(program) else str(original)
    return tuple(words)


def _moved_outside(outside: Outside, top: Path, root: Path, here: Path) -> Outside:
    moved = dict(outside.env)
    for name in PATH_VARIABLES:
        if name in moved:
            moved[name] = os.pathsep.join(_moved(part, top, root) for part in moved[name].split(os.pathsep))
    return replace(outside, env=moved | {"PWD": str(here)})


def _moved(text: str, top: Path, root: Path) -> str:
    if text == str(top):
        return str(root)
    return str(root / text[len(str(top)) + 1 :]) if text.startswith(f"{top}/") else text


def _packages(repository: Repository, run: Run) -> dict[str, str]:
    return {} if run.packages is None else parse_packages(repository.store.read(run.packages))
