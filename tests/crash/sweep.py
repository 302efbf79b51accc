"""Kill a command at every single thing it does to the disk, and look at what is left.

A sweep prepares a small repository, counts the disk calls of one run of the command, then runs it again and again in a
child of its own that dies by SIGKILL before, after, or (a write) in the middle of the k-th call. After each death an
oracle in another child checks that nothing acknowledged is lost and that the command can simply be run again.

`python sweep.py` makes a sweep for each line it reads, `["COMMAND"]` or `["COMMAND", "SABOTAGE"]`, in a child, and
prints a line: its wait status, and a JSON summary or the first failure. Single-threaded, since it forks.
"""

from __future__ import annotations

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GIT_CONFIG_GLOBAL": os.devnull}

import importlib
import itertools
import json
import pkgutil
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from contracts.project import Project  # noqa: E402
from crash.children import in_child, must  # noqa: E402
from crash.oracle import Oracle  # noqa: E402
from crash.sabotage import SABOTAGES  # noqa: E402
from crash.scenarios import SCENARIOS, Scenario, look, prepare, two_commits  # noqa: E402

import modelhub  # noqa: E402
from modelhub.porcelain.fsck import fsck  # noqa: E402

LATE = ("filelock", "pathspec", "pcodec", "pyfastcdc", "numpy.ma", "numpy.random", "concurrent.futures.thread")
CALLS = ("write", "fsync", "link", "rename", "replace", "unlink", "mkdir", "rmdir", "symlink", "fchmod", "open")


@dataclass(frozen=True)
class Death:
    """When to die: before or after the k-th disk call, or in the middle of it where it is a write."""

    call: int
    moment: str


class Reaper:
    """Wraps the disk calls of `os`, counts them and kills this process where it is told to."""

    def __init__(self, death: Death | None) -> None:
        self.seen: list[str] = []
        self._death = death
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **options: object) -> object:
            if name == "open" and not int(args[1] if len(args) > 1 else options.get("flags", 0)) & os.O_CREAT:  # type: ignore[call-overload]
                return call(*args, **options)
            self.seen.append(name)
            moment = self._death.moment if self._death and self._death.call == len(self.seen) else None
            if moment == "before":
                die()
            if moment == "within":
                call(args[0], bytes(args[1])[: len(args[1]) // 2])  # type: ignore[arg-type, call-overload]
                die()
            result = call(*args, **options)
            if moment == "after":
                die()
            return result

        return wrapped


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deaths(calls: list[str]) -> Iterator[Death]:
    for number, name in enumerate(calls, 1):
        yield Death(number, "before")
        if name == "write":
            yield Death(number, "within")
    yield Death(len(calls), "after")


class Sweep:
    def __init__(self, scenario: Scenario, home: Path, sabotage: str | None) -> None:
        self.scenario = scenario
        self.home = home
        self.sabotage = sabotage
        self.prepared = home / "prepared"
        self.numbers = itertools.count()
        must(in_child(lambda: prepare(scenario, self.prepared)))
        self.old = json.loads(must(in_child(lambda: look(self.prepared))))
        whole = self._fresh()
        self.calls: list[str] = json.loads(must(in_child(lambda: self._run(whole, None))))
        self.new = json.loads(must(in_child(lambda: look(whole))))
        shutil.rmtree(whole)
        self.oracle = Oracle(
            lambda folder: scenario.recover(folder, self.old, self.new),
            lambda folder: scenario.conclude(folder, self.new),
        )

    def run(self) -> int:
        """Return how many deaths were survived."""
        planned = list(deaths(self.calls))
        for death in planned:
            folder = self._fresh()
            status, answer = in_child(lambda at=folder, when=death: self._run(at, when))  # type: ignore[misc]
            if not os.WIFSIGNALED(status):
                raise SystemExit(f"{death} of {len(self.calls)} was not reached: {answer}")
            complaint = self.oracle.complaint(folder)
            if complaint is not None:
                raise SystemExit(
                    f"killed {death.moment} call {death.call} ({self.calls[death.call - 1]}):\n{complaint}"
                )
            shutil.rmtree(folder)
        return len(planned)

    def _fresh(self) -> Path:
        folder = self.home / str(next(self.numbers))
        shutil.copytree(self.prepared, folder, symlinks=True)
        return folder

    def _run(self, folder: Path, death: Death | None) -> list[str]:
        if self.sabotage is not None:
            SABOTAGES[self.sabotage]()
        reaper = Reaper(death)
        self.scenario.command(folder)
        return list(reaper.seen)


def import_everything() -> None:
    """And read every kind of thing once, so that the children need not learn how."""
    for module in pkgutil.walk_packages(modelhub.__path__, "modelhub."):
        if ".cli" not in module.name and not module.name.endswith(("__main__", ".reference")):
            importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    with _room() as home:
        project = Project(Path(home))
        two_commits(project)
        project.checkout("first")
        fsck(project.repo, full=True)
        project.repo.store.close()


def sweep(name: str, sabotage: str | None = None) -> dict[str, object]:
    """Sweep in memory where there is a file system for it: deaths are of processes, not of machines."""
    with _room() as home:
        made = Sweep(SCENARIOS[name], Path(home), sabotage)
        return {"command": name, "calls": len(made.calls), "deaths": made.run()}


def _room() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mh-sweep-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def main() -> None:
    import_everything()
    assert threading.active_count() == 1, "a child would miss the others"
    for line in sys.stdin:
        print(json.dumps(in_child(partial(sweep, *json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
