"""A git repository made on the spot, with git-lfs' store laid out by hand where that is wanted."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SAFE = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Grace Hopper", "GIT_AUTHOR_EMAIL": "grace@example.org",
    "GIT_COMMITTER_NAME": "Somebody Else", "GIT_COMMITTER_EMAIL": "else@example.org",
}  # fmt: skip


class GitProject:
    """A work tree, driven through git; commits are a minute apart."""

    def __init__(self, root: Path, *words: str) -> None:
        self.root = root
        self.minutes = 0
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *words, ".")

    def git(self, *words: str, given: bytes | None = None, **env: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, env={**os.environ, **SAFE, **env},
            input=given, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr.decode()}"
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str | bytes, content: bytes | str, *, executable: bool = False) -> None:
        place = os.path.join(os.fsencode(self.root), os.fsencode(path))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as target:
            target.write(content.encode() if isinstance(content, str) else content)
        os.chmod(place, 0o755 if executable else 0o644)

    def commit(self, message: str | bytes = "more", *words: str) -> str:
        """Record everything; the author's clock is at +05:30."""
        self.minutes += 1
        when = f"{1_700_000_000 + 60 * self.minutes} +0530"
        self.git("add", "-A")
        raw = message.encode() if isinstance(message, str) else message
        self.git(
            "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-", *words,
            given=raw, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when,
        )  # fmt: skip
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def keep_by_lfs(self, path: str, content: bytes, *, stored: bool = True) -> str:
        """Write a pointer and put the content into the store as git-lfs does; return its id."""
        oid = hashlib.sha256(content).hexdigest()
        self.write(path, f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n")
        if stored:
            place = self.lfs_place(oid)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return oid

    def lfs_place(self, oid: str) -> Path:
        return self.root / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid

    def checked_out(self, revision: str) -> dict[str, tuple[str, bytes]]:
        """Mode and content of every file of a fresh checkout, as git and its filters write it."""
        place = self.root.parent / "checkout"
        shutil.rmtree(place, ignore_errors=True)
        self.git("worktree", "prune")
        self.git("worktree", "add", "-q", "--detach", str(place), revision)
        found = {}
        for folder, folders, names in os.walk(place):
            for name in [*names, *(one for one in folders if os.path.islink(os.path.join(folder, one)))]:
                path = os.path.join(folder, name)
                if os.path.relpath(path, place) == ".git":
                    continue
                if os.path.islink(path):
                    found[os.path.relpath(path, place)] = ("link", os.fsencode(os.readlink(path)))
                else:
                    mode = "exec" if os.stat(path).st_mode & 0o100 else "file"
                    found[os.path.relpath(path, place)] = (mode, Path(path).read_bytes())
        return found
