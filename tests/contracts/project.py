"""A folder under version control, driven through porcelain as a person would, with a clock that only moves on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modelhub.porcelain.add import AddResult, add
from modelhub.porcelain.checkout import checkout, switch
from modelhub.porcelain.commit import CommitResult, commit
from modelhub.porcelain.commit_facts import CommitFacts
from modelhub.porcelain.fsck import fsck
from modelhub.porcelain.moving import CheckoutResult
from modelhub.porcelain.status import StatusResult, status
from modelhub.repository.content import read_file
from modelhub.repository.objects import Person
from modelhub.repository.repository import Act, Repository
from modelhub.repository.trees import read_files

ADA = Person("Ada", "ada@example.org")
START_MS = 1_700_000_000_000

_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int8": "I8", "uint8": "U8",
    "bfloat16": "BF16",
}  # fmt: skip


def safetensors(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> bytes:
    """Write a safetensors file by hand: 8 bytes of header length, the header in JSON, the tensors."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, array in tensors.items():
        start = len(data)
        data += array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.name], "shape": list(array.shape), "data_offsets": [start, len(data)]
        }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def weights(seed: int, *shape: int, dtype: str = "float32") -> np.ndarray:
    """Return numbers as weights have them."""
    return (np.random.default_rng(seed).standard_normal(shape) * 0.02).astype(dtype)


class Project:
    """A repository and its folder."""

    def __init__(self, root: Path, repo: Repository | None = None) -> None:
        self.root = root
        self.now = START_MS
        if repo is None:
            root.mkdir(parents=True, exist_ok=True)
            repo = Repository.create(root, self.act("init"))
        self.repo = repo

    def act(self, command: str = "test") -> Act:
        self.now += 1000
        return Act(ADA, self.now, 60, command)

    def again(self) -> Repository:
        """Open the repository anew, as another process would."""
        return Repository.find(self.root)

    def copy(self, root: Path) -> Project:
        """Return another project that goes on from here: what is there already need not be made again."""
        shutil.copytree(self.root, root, symlinks=True)
        copied = Project(root, Repository.find(root))
        copied.now = self.now
        return copied

    def write(self, path: str, content: bytes | str, *, executable: bool = False) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(0o755 if executable else 0o644)
        return place

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def add(self, *paths: str) -> AddResult:
        return add(self.repo, paths=paths or ("",))

    def commit(self, message: str = "more", **facts: object) -> CommitResult:
        options = {name: facts.pop(name) for name in ("paths", "strict", "allow_empty") if name in facts}
        said = CommitFacts(**facts)  # type: ignore[arg-type]
        return commit(self.repo, act=self.act(f"commit -m {message}"), message=message, facts=said, **options)  # type: ignore[arg-type]

    def save(self, path: str, content: bytes | str, message: str = "more") -> str:
        """Write one file, record everything, return the commit."""
        self.write(path, content)
        return self.commit(message).commit

    def switch(
        self, branch: str, *, create: bool = False, force: bool = False, start: str | None = None
    ) -> CheckoutResult:
        act = self.act(f"switch {branch}")
        return switch(self.repo, act=act, branch=branch, create=create, start=start, force=force)

    def checkout(self, revision: str, *, force: bool = False) -> CheckoutResult:
        return checkout(self.repo, act=self.act(f"checkout {revision}"), revision=revision, force=force)

    def status(self) -> StatusResult:
        return status(self.repo)

    def files_of(self, commit_oid: str) -> dict[str, tuple[str, bytes]]:
        """Mode and content of every file of a commit, verified."""
        found = read_files(self.repo, self.repo.commit_tree(commit_oid))
        return {path: (entry.mode, read_file(self.repo, entry)) for path, entry in found.items()}

    def folder(self) -> dict[str, tuple[str, bytes]]:
        """Mode and content of every file in the folder."""
        found = {}
        for place, folders, names in os.walk(self.root):
            if Path(place) == self.root:
                folders[:] = [name for name in folders if name != ".mh"]
            for name in [*names, *(one for one in folders if os.path.islink(os.path.join(place, one)))]:
                path = os.path.join(place, name)
                found[os.path.relpath(path, self.root)] = content_of(path)
        return found

    def assert_sound(self) -> None:
        result = fsck(self.again(), full=True)
        assert result.problems == ()


def content_of(path: str | os.PathLike[str]) -> tuple[str, bytes]:
    """Return mode and content as a tree records them."""
    if os.path.islink(path):
        return "link", os.fsencode(os.readlink(path))
    mode = "exec" if os.stat(path).st_mode & 0o100 else "file"
    return mode, Path(path).read_bytes()
