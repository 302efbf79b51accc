"""Git's objects, read one after the other through one `git cat-file`: commits, trees, and files as streams."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO

from modelhub.errors import IntegrityError, StateError
from modelhub.importers.git_repository import GitRepository, text_of
from modelhub.repository.objects import Person
from modelhub.repository.recent import Recent

READ_NBYTES = 1 << 20
MOST_ENTRIES = 500_000
LAST_MS = 253_402_214_400_000
"""The last days of the year 9999: later times are a mistake that no calendar can show."""

_SIGNATURE = re.compile(rb"(?P<name>[^<]*)(?:<(?P<email>[^>]*)>?)?(?:\s+(?P<time>-?\d+))?(?:\s+(?P<zone>[+-]\d{3,}))?")


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit as mh records it: `time` in unix milliseconds UTC, `offset` in minutes east."""

    tree: str
    author: Person
    time: int
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class GitEntry:
    """One name in a tree. `mode` is git's number."""

    mode: int
    name: str
    sha: str

    @property
    def is_folder(self) -> bool:
        """It is a tree."""
        return self.mode == 0o040000

    @property
    def is_submodule(self) -> bool:
        """It is a commit of another repository."""
        return self.mode == 0o160000

    @property
    def is_link(self) -> bool:
        """It is a symbolic link."""
        return self.mode == 0o120000


class GitObjects:
    """Reads objects by their id. A context manager: one git process serves all."""

    def __init__(self, git: GitRepository) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None
        self._trees = Recent(lambda sha: parse_tree(self.read(sha, "tree"), len(sha) // 2), MOST_ENTRIES)

    def __enter__(self) -> GitObjects:
        try:
            self._process = subprocess.Popen(
                self._git.command("cat-file", "--batch"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except FileNotFoundError:
            raise StateError("git is not installed", hint="install git, then try again") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kind is not None:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def stream(self, sha: str, kind: str = "blob") -> Iterator[bytes]:
        """Yield an object's content in blocks; must be read to its end. Raises IntegrityError where it is not there."""
        answers, left = self._request(sha, kind)
        while left:
            block = answers.read(min(left, READ_NBYTES))
            if not block:
                raise self._gone(sha)
            left -= len(block)
            yield block
        answers.read(1)

    def read(self, sha: str, kind: str = "blob") -> bytes:
        """Return an object's content whole. For what is known to be small."""
        return b"".join(self.stream(sha, kind))

    def read_at_most(self, sha: str, most: int) -> bytes | None:
        """Return a file's content; None where it is longer."""
        found = bytearray()
        for block in self.stream(sha):
            if len(found) <= most:
                found += block
        return bytes(found) if len(found) <= most else None

    def commit(self, sha: str) -> GitCommit:
        """Return a commit."""
        return parse_commit(self.read(sha, "commit"))

    def tree(self, sha: str) -> tuple[GitEntry, ...]:
        """Return the entries of a tree in git's order; those read lately are remembered."""
        return self._trees(sha)

    def at(self, root: str, path: str) -> GitEntry | None:
        """Return the file or folder at a path of a tree, None where there is none."""
        entry: GitEntry | None = GitEntry(0o040000, "", root)
        for part in path.split("/"):
            if entry is None or not entry.is_folder:
                return None
            entry = next((one for one in self.tree(entry.sha) if one.name == part), None)
        return entry

    def _request(self, sha: str, kind: str) -> tuple[IO[bytes], int]:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise self._gone(sha)
        try:
            self._process.stdin.write(sha.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._gone(sha) from None
        fields = self._process.stdout.readline().split()
        if len(fields) != 3 or fields[1] != kind.encode():
            raise self._gone(sha)
        return self._process.stdout, int(fields[2])

    def _gone(self, sha: str) -> IntegrityError:
        return IntegrityError(
            f"git cannot give its object {sha[:10]}", hint=f"'git fsck' in '{self._git.git_dir}' tells what is missing"
        )


def parse_tree(data: bytes, sha_nbytes: int = 20) -> tuple[GitEntry, ...]:
    """Return the entries of a raw tree."""
    found, position = [], 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        sha = data[end + 1 : end + 1 + sha_nbytes]
        found.append(GitEntry(int(data[position:space], 8), text_of(data[space + 1 : end]), sha.hex()))
        position = end + 1 + sha_nbytes
    return tuple(found)


def parse_commit(data: bytes) -> GitCommit:
    """Return what a raw commit says. Text is UTF-8 unless the commit names another encoding; else it is Latin-1."""
    head, _, message = data.partition(b"\n\n")
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        fields.setdefault(name, value)
    encoding = fields.get(b"encoding", b"utf-8").decode("ascii", "replace")
    signature = _SIGNATURE.match(fields.get(b"author") or fields.get(b"committer") or b"")
    parts = signature.groupdict() if signature else {}
    author = Person(
        _decoded((parts.get("name") or b"").strip(), encoding) or "unknown",
        _decoded((parts.get("email") or b"").strip(), encoding),
    )
    time = min(max(int(parts.get("time") or 0) * 1000, 0), LAST_MS)
    return GitCommit(
        fields.get(b"tree", b"").decode("ascii", "replace"),
        author,
        time,
        _minutes_east(parts.get("zone") or b""),
        _decoded(message, encoding).strip("\n"),
    )


def _decoded(raw: bytes, encoding: str) -> str:
    for candidate in (encoding, "utf-8"):
        with contextlib.suppress(UnicodeDecodeError, LookupError, ValueError):
            text = raw.decode(candidate)
            text.encode("utf-8")
            return text
    return raw.decode("latin-1")


def _minutes_east(zone: bytes) -> int:
    """Return what '+0530' says; zones that cannot be are taken as UTC."""
    if len(zone) < 4:
        return 0
    minutes = int(zone[1:-2]) * 60 + int(zone[-2:])
    if minutes >= 24 * 60:
        return 0
    return -minutes if zone[:1] == b"-" else minutes
