"""Time whole processes, count bytes on disk, and print figures beside a peer's."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MH = [str(Path(sys.executable).with_name("mh"))]
ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    "PYTHONPATH": str(Path(__file__).parents[1]),
    "MH_AUTHOR_NAME": "bench",
    "MH_AUTHOR_EMAIL": "bench@example.org",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.org",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.org",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall time in seconds, peak memory in bytes, what it printed."""

    seconds: float
    peak_nbytes: int
    output: str


def run(command: Sequence[str], cwd: Path, *, env: Mapping[str, str] = ENV) -> Run:
    """Run a command to its end, alone; fails loudly where the command does. It is looked for on the PATH of `env`.

    What was written before is brought to the disk first: a process that makes its own work durable would else wait for
    the files that the benchmark has just copied.
    """
    os.sync()
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}:\n{text}")
    return Run(seconds, usage.ru_maxrss * 1024, text)


def mh(cwd: Path, *arguments: str) -> Run:
    """Run one `mh` command as a process of its own."""
    return run([*MH, *arguments], cwd)


def mh_json(cwd: Path, *arguments: str) -> dict[str, object]:
    """Run one `mh` command with --json and return what is in its envelope."""
    (value,) = json.loads(mh(cwd, *arguments, "--json").output).values()
    return value  # type: ignore[no-any-return]


def git(cwd: Path, *arguments: str) -> Run:
    """Run one git command."""
    return run(["git", *arguments], cwd)


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder that vanishes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mh-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def median(times: int, measure: Callable[[], float]) -> float:
    """Return the median of several measurements."""
    return statistics.median(measure() for _ in range(times))


def store_nbytes(root: Path) -> int:
    """Return the bytes of everything that is kept for good in a repository's object store."""
    return sum(path.stat().st_size for path in (root / ".mh/objects").rglob("*") if path.is_file())


def report(question: str, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print one table: what, ours, beside it, asked."""
    print(f"\n## {question}\n")
    print("| what | modelhub | beside it | reach |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def models_folder() -> Path:
    """Return the folder of real models from the command line or MODELS."""
    text = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MODELS", "")
    if not text or not Path(text).is_dir():
        raise SystemExit("name the folder of real models: benchmarks/README.md says what it holds")
    return Path(text).absolute()
