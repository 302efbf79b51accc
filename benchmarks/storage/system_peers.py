"""Other version control for models as whole processes: what a user types, timed from the shell's point of view.

A system is found on PATH or in the folder that PEERS_BIN (or `--peers-bin` of benchmarks/run.py) names: `bin` of a
virtual environment with dvc, oxenai and git-theta in it. Each works in an empty home, so that no setting of the user's
takes part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import ENV, MH, Run, run

NAME = "model.safetensors"
PEERS_BIN = os.environ.get("PEERS_BIN", "")
SEARCHED = os.pathsep.join(filter(None, (PEERS_BIN, os.environ.get("PATH", ""))))

PEERS_PYTHON = str(Path(PEERS_BIN) / "python") if PEERS_BIN else sys.executable

Command = tuple[str, ...]


def _importable(module: str) -> bool:
    return subprocess.run([PEERS_PYTHON, "-c", f"import {module}"], capture_output=True, env=ENV).returncode == 0


@dataclass(frozen=True, slots=True)
class System:
    """Commands of one system; '{label}' stands for the name of a version.

    `start` makes a repository, `save` records the file NAME, `label` names what was just recorded (not timed),
    `restore` brings a labelled version back, `store` are the folders in which it keeps versions. `module` is the Python
    module it needs; `inside` counts the seconds that the commands print instead of those of their processes.
    """

    name: str
    needs: tuple[str, ...]
    start: tuple[Command, ...]
    save: tuple[Command, ...]
    label: tuple[Command, ...]
    restore: tuple[Command, ...]
    store: tuple[str, ...]
    extra: tuple[tuple[str, str], ...] = ()
    module: str = ""
    inside: bool = False

    @property
    def installed(self) -> bool:
        """Whether its commands are there, and its Python module where it is one."""
        commands = all(shutil.which(command, path=SEARCHED) for command in self.needs)
        return commands and (not self.module or _importable(self.module))


def _oxen(script: str) -> Command:
    """Return a call of Oxen's Python library, for its package has no command; it prints the seconds inside."""
    return (
        PEERS_PYTHON,
        "-c",
        "import sys, time; from oxen import Repo; from oxen.user import config_user;"
        "name, label = sys.argv[1:]; repo = Repo('.');"
        f"begun = time.perf_counter(); {script}; print(time.perf_counter() - begun)",
        NAME,
        "{label}",
    )


GIT_TAG: tuple[Command, ...] = (("git", "tag", "{label}"),)
GIT_INIT: Command = ("git", "init", "-q", "-b", "main")
GIT_COMMIT: Command = ("git", "commit", "-q", "-m", "{label}")

MODELHUB = System(
    name="modelhub",
    needs=(MH[0],),
    start=((*MH, "init"),),
    save=((*MH, "commit", "-m", "{label}"),),
    label=((*MH, "tag", "{label}"),),
    restore=((*MH, "checkout", "{label}"),),
    store=(".mh/objects",),
)
GIT_LFS = System(
    name="git-lfs",
    needs=("git", "git-lfs"),
    start=(
        GIT_INIT,
        ("git", "lfs", "install", "--local"),
        ("git", "lfs", "track", NAME),
        ("git", "add", ".gitattributes"),
    ),
    save=(("git", "add", NAME), GIT_COMMIT),
    label=GIT_TAG,
    restore=(("git", "checkout", "-q", "{label}"),),
    store=(".git/lfs/objects", ".git/objects"),
)
DVC = System(
    name="DVC",
    needs=("git", "dvc"),
    start=(GIT_INIT, ("dvc", "init", "-q")),
    save=(("dvc", "add", "-q", NAME), ("git", "add", f"{NAME}.dvc", ".gitignore"), GIT_COMMIT),
    label=GIT_TAG,
    restore=(("git", "checkout", "-q", "{label}"), ("dvc", "checkout", "-q")),
    store=(".dvc/cache", ".git/objects"),
    extra=(("DVC_NO_ANALYTICS", "1"),),
)
OXEN = System(
    name="Oxen (from Python)",
    needs=(PEERS_PYTHON,),
    module="oxen",
    start=(_oxen("config_user('bench', 'bench@example.org'); repo.init()"),),
    save=(_oxen("repo.add(name); repo.commit(label)"),),
    label=(_oxen("repo.checkout(label, create=True); repo.checkout('main')"),),
    restore=(_oxen("repo.checkout(label)"),),
    store=(".oxen",),
)
OXEN_CALLS = replace(OXEN, name="Oxen (its calls alone)", inside=True)
"""As if Oxen had a command that starts at once."""

GIT_THETA = System(
    name="git-theta",
    needs=("git", "git-lfs", "git-theta"),
    start=(
        GIT_INIT,
        ("git", "lfs", "install"),
        ("git", "theta", "install"),
        ("git", "theta", "track", NAME),
        ("git", "add", ".gitattributes"),
    ),
    save=(("git", "add", NAME), GIT_COMMIT),
    label=GIT_TAG,
    restore=(("git", "checkout", "-q", "{label}"),),
    store=(".git/lfs/objects", ".git/objects"),
    extra=(("GIT_THETA_CHECKPOINT_TYPE", "safetensors"),),
)
PEERS = (GIT_LFS, DVC, OXEN, OXEN_CALLS, GIT_THETA)


class Repository:
    """A repository of one system in a folder; `home` is an empty folder outside it."""

    def __init__(self, system: System, root: Path, home: Path) -> None:
        self.system = system
        self.root = root
        self._env = {**ENV, "HOME": str(home), "PATH": SEARCHED, **dict(system.extra)}

    def made(self) -> Repository:
        """Make the repository, and return it."""
        self._all(self.system.start, "")
        return self

    def save(self, source: Path, label: str) -> float:
        """Put a file in place, record it under a label, and return the seconds that recording took."""
        shutil.copyfile(source, self.root / NAME)
        seconds = self._seconds(self.system.save, label)
        self._all(self.system.label, label)
        return seconds

    def restore(self, label: str) -> float:
        """Bring a version back and return the seconds it took."""
        return self._seconds(self.system.restore, label)

    def store_nbytes(self) -> int:
        """Return the bytes of everything kept for good."""
        files = (path for folder in self.system.store for path in (self.root / folder).rglob("*"))
        return sum(path.stat().st_size for path in files if path.is_file())

    def _seconds(self, commands: Sequence[Command], label: str) -> float:
        runs = self._all(commands, label)
        return sum(float(done.output.split()[-1]) if self.system.inside else done.seconds for done in runs)

    def _all(self, commands: Sequence[Command], label: str) -> list[Run]:
        return [
            run([part.replace("{label}", label) for part in command], self.root, env=self._env) for command in commands
        ]
