"""Read a git repository through git's plumbing; nothing is ever written there and no program of its own runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelhub.errors import InvalidInputError, StateError

HEADS, TAGS, REMOTES = "refs/heads/", "refs/tags/", "refs/remotes/"


@dataclass(frozen=True, slots=True)
class GitRef:
    """A branch or tag by its full name, and the commit it leads to; None where it leads to something else."""

    name: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class GitObjectSize:
    """One object of a history with a path it is found under."""

    sha: str
    kind: str
    size: int
    path: str


class GitRepository:
    """A repository's folder. `work_tree` is None for a bare one."""

    def __init__(self, git_dir: Path, work_tree: Path | None) -> None:
        self.git_dir = git_dir
        self.work_tree = work_tree

    @classmethod
    def find(cls, place: Path) -> GitRepository:
        """Return the repository at a place: a work tree, a folder inside one, or a bare repository."""
        if not place.is_dir():
            raise InvalidInputError(f"'{place}' is not a folder", hint="name a git repository")
        if _is_git_dir(place):
            work_tree = place.resolve().parent if place.resolve().name == ".git" else None
            return cls(place.resolve(), work_tree)
        for folder in (place.resolve(), *place.resolve().parents):
            git_dir = _git_dir_of(folder)
            if git_dir is not None:
                return cls(git_dir, folder)
        raise InvalidInputError(f"'{place}' is not a git repository", hint="name a work tree or a bare repository")

    @property
    def common_dir(self) -> Path:
        """The folder that all work trees of the repository share."""
        try:
            named = (self.git_dir / "commondir").read_text("utf-8", "surrogateescape").strip()
        except OSError:
            return self.git_dir
        return (self.git_dir / named).resolve()

    def command(self, *arguments: str) -> list[str]:
        """Return a command line for git that runs no hooks and no monitor, fetches nothing, and streams large files."""
        return [
            "git", f"--git-dir={self.git_dir}", "--no-replace-objects", "--no-optional-locks", "--no-pager",
            "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never",
            "-c", "core.bigFileThreshold=8m",
            *arguments,
        ]  # fmt: skip

    def ask(self, *arguments: str, given: bytes = b"") -> bytes:
        """Return what git prints. Raises StateError where it fails or is not installed."""
        done = _run(self.command(*arguments), given)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise StateError(f"git cannot read '{self.git_dir}': {said[-1] if said else 'no reason given'}")
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        """Tell whether git answers yes."""
        return _run(self.command(*arguments), b"").returncode == 0

    def setting(self, name: str) -> str | None:
        """Return a setting of the repository."""
        done = _run(self.command("config", "--get", name), b"")
        return text_of(done.stdout).strip() if done.returncode == 0 else None

    @property
    def is_shallow(self) -> bool:
        """The history was cut off when it was cloned."""
        return (self.common_dir / "shallow").exists()

    def head_branch(self) -> str | None:
        """Return the full name of the branch that is checked out, None where HEAD is detached."""
        done = _run(self.command("symbolic-ref", "-q", "HEAD"), b"")
        return text_of(done.stdout).strip() or None

    def refs(self, *below: str) -> list[GitRef]:
        """Return the refs below these prefixes, with the commits that annotated tags lead to."""
        listed = self.ask("for-each-ref", "--format=%(refname)%00%(symref)", *below).split(b"\n")
        names = [name for name, _, symref in (line.partition(b"\0") for line in listed) if name and not symref]
        question = b"".join(name + b"^{commit}\n" for name in names)
        answers = self.ask("cat-file", "--batch-check=%(objectname) %(objecttype)", given=question).splitlines()
        return [
            GitRef(text_of(name), text_of(answer.split(b" ")[0]) if answer.endswith(b" commit") else None)
            for name, answer in zip(names, answers, strict=True)
        ]

    def history(self, tips: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
        """Return every commit that the tips descend from with its parents, parents before children."""
        given = "".join(tip + "\n" for tip in tips).encode()
        lines = self.ask("rev-list", "--topo-order", "--reverse", "--parents", "--stdin", given=given).decode()
        rows = (line.split() for line in lines.splitlines())
        return [(row[0], tuple(row[1:])) for row in rows]

    def contents(self, tips: Sequence[str], known: Iterable[str]) -> Iterator[GitObjectSize]:
        """Yield every file content in the history of the tips that the history of `known` does not have."""
        given = "".join([*(f"{tip}\n" for tip in tips), *(f"^{commit}\n" for commit in known)]).encode()
        paths = {}
        for line in self.ask("rev-list", "--objects", "--stdin", given=given).splitlines():
            sha, space, path = line.partition(b" ")
            if space and path:
                paths[sha] = path
        question = b"".join(sha + b"\n" for sha in paths)
        told = self.ask("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", given=question)
        for line in told.splitlines():
            fields = line.split(b" ")
            if len(fields) == 3 and fields[1] == b"blob":
                yield GitObjectSize(text_of(fields[0]), "blob", int(fields[2]), text_of(paths[fields[0]]))


def text_of(raw: bytes) -> str:
    """Return git's bytes as text; what is not UTF-8 stays recognisable as such."""
    return raw.decode("utf-8", "surrogateescape")


def _run(command: list[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise StateError("git is not installed", hint="install git, then try again") from None


def _is_git_dir(place: Path) -> bool:
    return (place / "HEAD").is_file() and (place / "objects").is_dir() and (place / "refs").is_dir()


def _git_dir_of(folder: Path) -> Path | None:
    """Return the git folder of a work tree; `.git` may be a file that names it."""
    place = folder / ".git"
    if place.is_dir():
        return place if _is_git_dir(place) else None
    try:
        said = place.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    named = said.removeprefix("gitdir:").strip()
    return (folder / named).resolve() if said.startswith("gitdir:") else None
