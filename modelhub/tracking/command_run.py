"""Run a command and record it: what it started from, what it printed, what it made and how it ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelhub.errors import ModelHubError, StateError
from modelhub.progress import SILENT, Progress
from modelhub.repository.objects import RunStatus
from modelhub.repository.repository import Act, Repository
from modelhub.runs.live import LiveRun
from modelhub.runs.notes import End, EndStatus, Output
from modelhub.tracking.beginning import BegunRun, RunSpec, begin_run
from modelhub.tracking.finding import find_pending
from modelhub.tracking.interpreter import interpreter_of
from modelhub.tracking.python_run import command_environment
from modelhub.tracking.signals import Forwarding
from modelhub.tracking.tee import Tee

NOT_FOUND = 127
NOT_EXECUTABLE = 126
SIGNALLED = 128


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Outside:
    """What a command has to do with: its environment, and the descriptors that get what it prints.

    `ready` is called when all is recorded, right before it starts.
    """

    env: Mapping[str, str]
    stdout: int = 1
    stderr: int = 2
    ready: Callable[[], object] = _nothing


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a command runs: `root` stands for the repository's folder, `here` is the working folder."""

    root: Path
    here: Path
    outside: Outside


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The run that was made. `exit_code` is the command's, 128 and the signal's number where one ended it.

    `not_started` says why the command could not be started; then `exit_code` is the one that shells give for it.
    """

    run: str
    status: RunStatus
    exit_code: int
    duration_ms: int
    outputs: tuple[str, ...]
    warnings: tuple[str, ...]
    not_started: str | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    status: EndStatus
    exit_code: int
    problems: tuple[str, ...]
    not_started: str | None = None


def command_run(
    repository: Repository,
    *,
    act: Act,
    spec: RunSpec,
    outputs: Sequence[str] = (),
    surroundings: Surroundings,
    progress: Progress = SILENT,
    waiting: Callable[[], None] | None = None,
) -> CommandResult:
    """Record what the command starts from, run it, and record what came of it.

    Everything is hashed and durable before it starts. Signals reach it, and this waits for its end.
    A command that cannot be started is a run that failed.
    """
    where = surroundings
    spec = replace(spec, interpreter=interpreter_of(spec.command[0], where.outside.env, where.here))
    begun = begin_run(repository, act, spec, here=where.here, root=where.root, progress=progress, waiting=waiting)
    try:
        where.outside.ready()
        with Forwarding() as forwarding:
            started = begun.clock.now()
            ended = _run(repository, begun.live, spec.command, where, forwarding)
            ended_at = begun.clock.now()
            kept, warnings = _keep_outputs(repository, begun, outputs, where.here, failed=ended.exit_code != 0)
            begun.live.note(End(ended_at, ended.status, ended.exit_code))
    finally:
        begun.live.close()
    return CommandResult(
        run=begun.live.id,
        status=ended.status,
        exit_code=ended.exit_code,
        duration_ms=ended_at - started,
        outputs=kept,
        warnings=(*begun.warnings, *ended.problems, *warnings),
        not_started=ended.not_started,
    )


def _run(
    repository: Repository, live: LiveRun, command: Sequence[str], where: Surroundings, forwarding: Forwarding
) -> _Ended:
    env = dict(where.outside.env) | command_environment(repository, live.id, where.root)
    try:
        process = subprocess.Popen(
            command, cwd=where.here, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return _not_started(command, error)
    forwarding.watch(process.pid)
    problems = _copy_output(process, live, where)
    code = process.returncode
    if code < 0:
        return _Ended(
            "interrupted" if -code in (2, 15) or forwarding.received else "failed", SIGNALLED - code, problems
        )
    if forwarding.received:
        return _Ended("interrupted", code, problems)
    return _Ended("failed" if code else "finished", code, problems)


def _copy_output(process: subprocess.Popen[bytes], live: LiveRun, where: Surroundings) -> tuple[str, ...]:
    """Copy until the command has ended and all it printed is kept; return what could not be kept."""
    if process.stdout is None or process.stderr is None:
        raise StateError("the command's output cannot be read")
    files = (live.stream("stdout"), live.stream("stderr"))
    tees = (
        Tee(process.stdout.fileno(), where.outside.stdout, files[0]),
        Tee(process.stderr.fileno(), where.outside.stderr, files[1]),
    )
    for tee in tees:
        tee.start()
    process.wait()
    for tee in tees:
        tee.wait()
    for tee, pipe, file in zip(tees, (process.stdout, process.stderr), files, strict=True):
        file.sync()
        if not tee.is_alive():
            pipe.close()
            file.close()
    return tuple(f"what the command printed is not kept whole: {tee.problem}" for tee in tees if tee.problem)


def _not_started(command: Sequence[str], error: OSError | ValueError) -> _Ended:
    is_missing = isinstance(error, FileNotFoundError)
    reason = "there is no such command" if is_missing else str(getattr(error, "strerror", None) or error)
    code = NOT_FOUND if is_missing else NOT_EXECUTABLE
    return _Ended("failed", code, (), f"'{command[0]}' cannot be run: {reason}")


def _keep_outputs(
    repository: Repository, begun: BegunRun, outputs: Sequence[str], here: Path, *, failed: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Record the declared outputs that are there; return what the run made, and warnings."""
    warnings = []
    made = {usage.path: usage.oid for usage in find_pending(repository, begun.live.id).outputs}
    for path in outputs:
        if not os.path.lexists(here / path):
            warnings += [] if failed else [f"the output '{path}' was not made"]
            continue
        try:
            with repository.writing(), repository.store.writer() as writer:
                usage = begun.files.output_usage(here / path, writer)
                writer.publish()
                if made.get(usage.path) != usage.oid:
                    begun.live.note(Output(usage))
                    made[usage.path] = usage.oid
        except ModelHubError as error:
            warnings.append(f"the output '{path}' is not kept: {error}")
    return tuple(sorted(made)), tuple(warnings)
