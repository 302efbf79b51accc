"""What git knows of the folder: the commit it is at, and what was changed since."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from modelhub.repository.objects import CodeState

if TYPE_CHECKING:
    from modelhub.store.object_writer import ObjectWriter

TIMEOUT_S = 10.0
MOST_DIFF_NBYTES = 16 << 20

_DIFF = ("--no-optional-locks", "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", "--no-textconv")


class GitState(Struct, frozen=True):
    """The state of the code, and the diff that `dirty` stands for. `problem` says why the diff is missing."""

    code: CodeState
    diff: bytes = b""
    problem: str | None = None

    def record(self, writer: ObjectWriter) -> CodeState:
        """Put the diff into a writer and return the state that names it."""
        return msgspec.structs.replace(self.code, diff=writer.put(self.diff)) if self.diff else self.code


def code_state(folder: Path) -> GitState | None:
    """Return the git commit of a folder and how its tracked files differ from it; None outside git."""
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None
    commit = git_output(folder, "rev-parse", "--verify", "-q", "HEAD")
    if commit is None:
        return None
    branch = git_output(folder, "symbolic-ref", "--short", "-q", "HEAD")
    changes = git_output(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    if not changes:
        return GitState(CodeState(commit, branch, dirty=False))
    diff = _read_at_most(_command(folder, *_DIFF), MOST_DIFF_NBYTES)
    state = CodeState(commit, branch, dirty=True)
    if diff is None:
        return GitState(state, problem="git could not say how the code differs from its commit")
    if len(diff) > MOST_DIFF_NBYTES:
        return GitState(state, problem=f"git's diff of the code is larger than {MOST_DIFF_NBYTES >> 20} MiB: left out")
    return GitState(state, diff)


def record_code(writer: ObjectWriter, folder: Path) -> CodeState | None:
    """Return the state of the code with its diff put into a writer; None outside git."""
    state = code_state(folder)
    return None if state is None else state.record(writer)


def git_output(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, None where it fails or is not installed. Git is kept from starting other programs."""
    try:
        done = subprocess.run(
            _command(folder, *arguments),
            capture_output=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def _command(folder: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(folder), "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", *arguments]


def _read_at_most(command: list[str], most: int) -> bytes | None:
    """Return what a command prints, a little more than `most` bytes where there is more; None where it fails."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )  # fmt: skip
    except OSError:
        return None
    with process:
        guard = threading.Timer(TIMEOUT_S, process.kill)
        guard.start()
        try:
            data = b"" if process.stdout is None else process.stdout.read(most + 1)
        finally:
            guard.cancel()
        if len(data) > most:
            process.kill()
            return data
    return data if process.returncode == 0 else None
