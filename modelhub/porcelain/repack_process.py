"""Repack in a process of its own, for a Python program that may have started the threads of its numerical library.

Repacking works on many small matrices on threads of its own, and is ten times slower where the library then puts
threads on each product. How many it starts is read once, when it is first loaded: in a program it mostly is by then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import modelhub
from modelhub.errors import (
    ConflictError,
    IntegrityError,
    InternalError,
    InvalidInputError,
    ModelHubError,
    NotFoundError,
    StateError,
)
from modelhub.porcelain.repack import RepackResult, SolverResult

_ERRORS: Mapping[int, type[ModelHubError]] = {
    2: InvalidInputError, 3: ConflictError, 4: NotFoundError, 5: IntegrityError, 7: StateError
}  # fmt: skip
"""What a command's exit code stands for: docs/reference/exit-codes.md."""

_SYSTEM = 74


def repack_in_process(
    root: Path,
    *,
    max_recreation: float | None,
    dry_run: bool,
    progressive: Sequence[str] = (),
    not_progressive: Sequence[str] = (),
) -> RepackResult:
    """Run 'mh repack' for the repository at `root` and return its result; raises what that raises.

    Raises InvalidInputError where versions are to be marked and others to lose the mark at once, StateError where this
    program's interpreter is not known, OSError where the system said no.
    """
    if not sys.executable:
        raise StateError("no Python interpreter is known that could repack", hint="run 'mh repack'")
    words = [sys.executable, "-P", "-m", "modelhub", "repack", "--json"]
    words += [] if max_recreation is None else [f"--max-recreation={float(max_recreation)!r}"]
    words += ["--dry-run"] if dry_run else []
    words += _mark_words(progressive, not_progressive)
    package = str(Path(modelhub.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _error(done.returncode, done.stderr)
    (found,) = json.loads(done.stdout).values()
    return _result(found)


def _mark_words(progressive: Sequence[str], not_progressive: Sequence[str]) -> list[str]:
    for named in (progressive, not_progressive):
        if isinstance(named, str):
            raise InvalidInputError("one text is no list of versions", hint=f"progressive=['{named}']")
    if progressive and not_progressive:
        raise InvalidInputError("versions are marked or lose their marks, not both at once", hint="repack twice")
    if not progressive and not not_progressive:
        return []
    return ["--progressive" if progressive else "--no-progressive", "--", *progressive, *not_progressive]


def _result(found: dict[str, Any]) -> RepackResult:
    """Return the result that a command printed; infinities are words there."""
    solvers = tuple(SolverResult(one["solver"], float(one["nbytes"]), one["fault"]) for one in found["solvers"])
    numbers = {name: float(found[name]) for name in ("max_recreation", "slowest")}
    return RepackResult(**{**found, **numbers, "solvers": solvers, "progressive": tuple(found["progressive"])})


def _error(code: int, said: str) -> ModelHubError | OSError:
    lines = said.splitlines()
    message = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), said.strip())
    hint = next((line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")), None)
    if code == _SYSTEM:
        return OSError(message)
    return _ERRORS.get(code, InternalError)(message, hint=hint)
