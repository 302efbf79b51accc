"""Begin a run from Python, or join the one that this process was started for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from modelhub.errors import InvalidInputError, RepositoryNotFound
from modelhub.porcelain.commit_facts import DeriveSpec
from modelhub.repository.layout import find_layout
from modelhub.repository.repository import Act, Repository
from modelhub.tracking.beginning import RunSpec, begin_run
from modelhub.tracking.training_run import Acting, TrainingRun, join_run

RUN = "MH_RUN"
REPOSITORY = "MH_REPOSITORY"
FOLDER = "MH_FOLDER"


def python_run(
    folder: Path,
    spec: RunSpec,
    env: Mapping[str, str],
    acting: Callable[[Repository, str], Act],
) -> TrainingRun:
    """Begin a run for the repository of a folder; under `mh run` of the same repository join its run.

    Raises RepositoryNotFound, StateError where the run to join has ended.
    """
    root = _folder_to_join(folder, env)
    if root is not None:
        repository = Repository.find(Path(env[REPOSITORY]))
        return join_run(repository, spec, root, _bound(repository, acting), run_id=env[RUN])
    repository = Repository.find(folder)
    act = acting(repository, "run")
    spec = replace(spec, command=_command(repository.layout.root))
    begun = begin_run(repository, act, spec, here=Path.cwd())
    return TrainingRun(begun, _bound(repository, acting))


def command_environment(repository: Repository, run_id: str, root: Path) -> dict[str, str]:
    """Return what a command must find in its environment to join a run; what it prints comes at once."""
    top = repository.layout.root
    return {RUN: run_id, REPOSITORY: str(top), FOLDER: "" if root == top else str(root), "PYTHONUNBUFFERED": "1"}


def _folder_to_join(folder: Path, env: Mapping[str, str]) -> Path | None:
    """Return the folder that the run to join works in, None where there is none to join."""
    if not env.get(RUN) or not env.get(REPOSITORY):
        return None
    top = Path(env.get(FOLDER) or env[REPOSITORY])
    if folder.resolve().is_relative_to(top.resolve()) and env.get(FOLDER):
        return top
    try:
        return top if find_layout(folder).root.resolve() == Path(env[REPOSITORY]).resolve() else None
    except RepositoryNotFound:
        return top


def _bound(repository: Repository, acting: Callable[[Repository, str], Act]) -> Acting:
    return lambda command: acting(repository, command)


def _command(root: Path) -> tuple[str, ...]:
    """Return how this process was started, where that was with a script or module of the folder."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    place = None if main is None else Path(main).resolve()
    if place is None or not place.is_file() or place.is_relative_to(Path(sys.prefix).resolve()):
        return ()
    return tuple(sys.orig_argv) if place.is_relative_to(root.resolve()) else ()


def sources_of(from_: str | Mapping[str, str] | None, relation: str = "fine-tune") -> tuple[DeriveSpec, ...]:
    """Return what was given as the sources: a place and a relation, or a mapping of the one to the other.

    Raises InvalidInputError for anything else.
    """
    if from_ is not None and not isinstance(from_, (str, Mapping)):
        raise InvalidInputError(
            f"from_ is {from_!r:.40}, not a place or a mapping from places to relations",
            hint="from_='v1:model.safetensors'",
        )
    pairs = {from_: relation} if isinstance(from_, str) else dict(from_ or {})
    return tuple(DeriveSpec(source, kind) for source, kind in pairs.items())
