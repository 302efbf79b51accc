"""What survives power loss is decided by the order of writes, fsyncs and renames; this watches that order.

A file gets its name only when its bytes are on the disk, the pointer moves only when every name that it needs is on the
disk too, and nothing is left to be synced when a command returns.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from contracts.project import Project, safetensors, weights

from modelhub import files
from modelhub.porcelain.gc import gc
from modelhub.porcelain.init import init
from modelhub.porcelain.merge import merge
from modelhub.porcelain.operations import undo
from modelhub.porcelain.reset import reset
from modelhub.porcelain.tag import create_tag


class OrderBroken(AssertionError):
    """A name was given, or the pointer moved, too early."""


class Watcher:
    """Follows the disk calls below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.moves = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("write", "fsync", "link", "replace", "mkdir"):
                patch.setattr(os, name, self._followed(getattr(os, name), getattr(self, f"_{name}")))
            yield
        self._require_all("at the end")

    @staticmethod
    def _followed(call: Callable[..., Any], follow: Callable[..., None]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            if "dir_fd" in options:
                return call(*arguments, **options)
            result = call(*arguments, **options)
            follow(*arguments[:2])
            return result

        return wrapped

    def _write(self, descriptor: int, data: bytes) -> None:
        self.files.add(os.readlink(f"/proc/self/fd/{descriptor}"))

    def _fsync(self, descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        self.files.discard(path)
        self.folders.discard(path)

    def _link(self, source: Path, final: Path) -> None:
        if str(source) in self.files:
            raise OrderBroken(f"{final.name} gets its name before its bytes are on the disk")
        if final.name == "head":
            self.moves += 1
            self._require_all("when the pointer moves")
        self.folders.add(str(final.parent))

    _replace = _link

    def _mkdir(self, path: Path, mode: int = 0o777) -> None:
        self.folders.add(str(Path(path).parent))

    def _require_all(self, when: str) -> None:
        waiting = {
            path for path in self.folders if path.startswith(str(self.folder / ".mh")) or path == str(self.folder)
        }
        if waiting - {str(self.folder / ".mh" / "tmp")}:
            raise OrderBroken(f"{when} these folders are not on the disk: {sorted(waiting)}")


def _prepared(folder: Path) -> Project:
    project = Project(folder)
    project.save("m.safetensors", safetensors({f"w{n}": weights(n, 20, 20) for n in range(12)}))
    project.switch("topic", create=True)
    project.save("b", "1")
    project.switch("main")
    project.save("c", "1")
    project.write("m.safetensors", safetensors({f"w{n}": weights(n + 50, 20, 20) for n in range(12)}))
    return project


COMMANDS: dict[str, Callable[[Project], object]] = {
    "add": lambda project: project.add(),
    "commit": lambda project: project.commit(),
    "commit-small": lambda project: project.commit(paths=["m.safetensors"]),
    "tag": lambda project: create_tag(project.repo, act=project.act("tag"), name="v1"),
    "merge": lambda project: merge(project.repo, act=project.act("merge"), revision="topic"),
    "checkout": lambda project: project.checkout("HEAD~1"),
    "reset": lambda project: reset(project.repo, act=project.act("reset"), revision="HEAD~1", mode="hard", force=True),
    "undo": lambda project: undo(project.repo, act=project.act("undo")),
    "gc": lambda project: gc(project.repo, act=project.act("gc"), grace_days=0),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_names_and_the_pointer_come_after_what_they_stand_for(tmp_path: Path, command: str) -> None:
    project = _prepared(tmp_path / "project")
    watcher = Watcher(project.root)
    with watcher.watching():
        COMMANDS[command](project)
    assert watcher.moves == (0 if command in ("add", "gc") else 1)


def test_a_new_repository_is_on_the_disk_with_every_folder_above_it(tmp_path: Path, act: Any) -> None:
    folder = tmp_path / "deep" / "down"
    watcher = Watcher(folder)
    with watcher.watching():
        init(folder, act=act)
    assert not watcher.folders


@pytest.mark.parametrize("broken", ["folder", "file"])
def test_the_watcher_notices_a_sync_that_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    project = _prepared(tmp_path / "project")
    if broken == "folder":
        monkeypatch.setattr(files, "sync_folder", lambda folder: None)
    else:
        monkeypatch.setattr(files.TempFile, "sync", files.TempFile.settle_mode)
    with pytest.raises(OrderBroken), Watcher(project.root).watching():
        project.commit()
